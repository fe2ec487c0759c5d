//! The faults that can be planted, and which checks must find each.

use super::Phase;

/// One planted fault.
pub(crate) struct Planted {
    /// Its switch.
    pub(crate) fault: Fault,
    /// The switch's name.
    pub(crate) name: &'static str,
    /// What goes wrong, in a few words.
    pub(crate) what: &'static str,
    /// The checks that must fail, all of them; none if this is no fault at all.
    pub(crate) killed_by: &'static [&'static str],
    /// The phase of the old paths in which it shows.
    pub(crate) phase: Phase,
}

/// The faults of one service.
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn new(faults: &[Fault]) -> Self {
        Self(faults.to_vec())
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

macro_rules! phase {
    () => {
        Phase::Parallel
    };
    ($phase:ident) => {
        Phase::$phase
    };
}

/// Makes the switch and its row from one line.
macro_rules! plant {
    ($($name:ident $(in $phase:ident)? [$($check:literal)*] $what:literal)*) => {
        /// A switch at one place of the reference service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { $(#[doc = $what] $name,)* }

        /// Every planted fault.
        pub(crate) const FAULTS: &[Planted] = &[$(Planted {
            fault: Fault::$name,
            name: stringify!($name),
            what: $what,
            killed_by: &[$($check),*],
            phase: phase!($($phase)?),
        },)*];
    };
}

plant! {
    // The mutants of the list, under its numbers; where it names several ways to go wrong, one of them.
    M01 ["AUT-01"] "every route is open"
    M02 ["AUT-02"] "whatever is sent as key will do"
    M03 ["AUT-01" "AUT-02"] "DELETE needs no key"
    M04 ["AUT-05"] "keys compared by prefix"
    M05 ["AUT-15"] "everything that begins like the health path is open"
    M06 ["AUT-11"] "the tenant is looked up before the key"
    M07 ["AUT-18"] "old paths forget the key"
    M08 ["LIF-08" "LIF-09"] "a second activation wipes the tenant"
    M09 ["LIF-10"] "path and body may name different tenants"
    M10 ["LIF-02"] "activation answers another tenant_id"
    M11 ["LIF-06" "SET-15"] "plan and features are not stored"
    M12 ["LIF-20"] "deactivation does nothing"
    M13 ["LIF-28"] "data is kept though it should go"
    M14 ["LIF-26"] "a deactivated tenant is still served"
    M15 ["LIF-01" "DSH-34" "USR-34" "RES-10" "SET-16"] "an unknown tenant is an empty one"
    M16 ["LIF-30"] "updated_at stands still"
    M17 ["DSH-13"] "every period is thirty days"
    M18 ["DSH-05"] "a nonsense period means the default"
    M19 ["DSH-12" "DSH-13"] "windows are a day too long"
    M20 ["DSH-17"] "models do not add up to the total"
    M21 ["DSH-09" "ISO-07"] "stats over all tenants"
    M22 ["DSH-07"] "more active users than users"
    M23 ["DSH-12"] "a date stands twice"
    M24 ["DSH-19"] "the ten dearest are eleven"
    M25 ["DSH-32"] "usage is always this month's"
    M26 ["USR-03" "USR-04"] "created users are not stored"
    M27 ["USR-12" "USR-13"] "an e-mail address may be used twice"
    M28 ["USR-20"] "the password comes back"
    M29 ["USR-06"] "changes of users are not stored"
    M30 ["USR-07" "USR-08" "SET-07"] "what was not sent is reset"
    M31 ["USR-10"] "deleted users stay"
    M32 ["USR-22" "USR-23" "RES-02" "PAG-11"] "role and type filters are ignored"
    M33 ["USR-16" "USR-28"] "role root is accepted"
    M34 ["PAG-03"] "offset is one too far"
    M34b ["PAG-04"] "total counts the page"
    M35 ["PAG-02" "PAG-06" "DSH-25"] "limits are ignored"
    M36 ["IDM-01"] "idempotency keys are ignored"
    M37 ["IDM-07" "IDM-08"] "looks first, writes later"
    M38 ["ISO-01" "ISO-08" "ISO-10"] "lists show every tenant's rows"
    M39 ["ISO-02" "ISO-03" "ISO-04"] "users are found by id in every tenant"
    M40 ["ERR-01"] "errors are wrapped in detail"
    M41 ["SET-06"] "settings are not stored"
    M42 ["ISO-06"] "one settings page for all tenants"
    M43 ["CMP-08"] "old stats path answers other data"
    M44 ["CMP-07"] "a failed webhook answers 200"
    M45 ["USR-25"] "search is a pattern"
    M46 ["LIF-16" "ISO-11"] "tenant ids are bent until they fit"
    M47 ["ISO-12"] "the tenant is taken from a header"
    M47b ["PAG-03" "PAG-09"] "the order changes from call to call"
    M48 ["ERR-11"] "a refused write is half done"

    // health
    HealthNeedsKey ["HLT-01"] "health needs a key"
    HealthStatusUnknown ["HLT-02"] "health says ok"
    HealthClockWrong ["HLT-03"] "health's clock is nine hours ahead"
    HealthRefusesWrongKey ["HLT-04"] "a key is looked at where none is needed"
    HeadHealthRefused ["HLT-05"] "HEAD is refused"
    PostHealthAnswered ["HLT-06"] "POST to health answers 200"
    VersionsDiffer ["HLT-07"] "health and catalogue name different versions"
    HealthTellsTenants ["HLT-08"] "health tells tenants and the database"
    HealthQueues ["HLT-09"] "health answers one after the other, slowly"
    StoreAllowed ["HLT-10"] "no Cache-Control"
    CatalogLacksPlans ["CAT-01"] "the catalogue has no plans"

    // auth
    LimitsRefuseTheKey ["AUT-03"] "one route refuses the right key"
    EmptyKeyAccepted ["AUT-04"] "an empty key is as good as any"
    KeyCaseIgnored ["AUT-06"] "letter case of keys is ignored"
    FirstKeyCounts ["AUT-07"] "of two keys the first counts"
    KeyInQueryAccepted ["AUT-08"] "the key may stand in the query"
    OddKeyCrashes ["AUT-09"] "a key of other bytes than ASCII crashes"
    LongKeyCrashes ["AUT-10"] "a long key crashes"
    BodyReadBeforeAuth ["AUT-12"] "bodies are read before the key"
    ChallengeMissing ["AUT-13"] "401 without WWW-Authenticate"
    SecondKeyRefused ["AUT-14"] "only the first key counts"
    MethodOverrideOpens ["AUT-16"] "a method override header opens the door"
    OldPathsRefuseTheKey ["AUT-18"] "old paths refuse the right key"
    CompatHeaderOpensStandard ["AUT-19"] "the old header opens standard routes"
    KeyEchoed ["AUT-20"] "401 repeats the key"
    OneRouteOpen ["AUT-01" "AUT-02"] "one route needs no key"
    KeyInCookieAccepted ["AUT-08"] "the key may stand in a cookie"
    RefusalTellsTenants ["AUT-11"] "401 tells whether the tenant exists"
    SlashesSquashed ["AUT-15"] "double slashes are squashed after the key was looked at"
    DotsResolvedLate ["AUT-15"] "dot segments are resolved after the key was looked at"
    WebhookNeedsNoKey ["AUT-18"] "the webhook needs no key"
    RemovedNeedsNoKey in Removed ["AUT-18"] "removed paths say so to strangers"

    // lifecycle
    ActivateHasNoMessage ["LIF-03"] "activation has no message"
    AccessUrlRelative ["LIF-03"] "access_url is not absolute"
    OneUrlForAll ["LIF-04"] "one access_url for all"
    StatusStaysPending ["LIF-05"] "status stays pending"
    CreatedAtIsNow ["LIF-07"] "created_at is the time of reading"
    RetriedActivationRefused ["LIF-08"] "the same activation again is refused"
    SecondActivationOverwrites ["LIF-08" "LIF-09"] "another activation overwrites the first"
    MissingFieldAccepted ["LIF-11"] "required fields may be missing"
    WrongTypeAccepted ["LIF-12"] "tenant_name may be anything"
    BlankNameAccepted ["LIF-13"] "blank names are accepted"
    UnknownFieldRefused ["LIF-14"] "unknown members are refused"
    UnknownPlanRefused ["LIF-15"] "unknown plans are refused"
    OddIdCrashes ["LIF-16"] "an odd tenant id crashes"
    DecomposedNameRefused ["LIF-17"] "decomposed Hangul is refused"
    DeactivateAnswers202 ["LIF-18"] "deactivation answers 202"
    SaysItPreserves ["LIF-19"] "always says that data is preserved"
    RetentionMissing ["LIF-21"] "no date until which data is kept"
    PreserveDefaultsToFalse ["LIF-22"] "data goes by default"
    AnyReasonAccepted ["LIF-23"] "any reason will do"
    DeactivateUnknownSucceeds ["LIF-24"] "unknown tenants can be deactivated"
    SecondDeactivationRefused ["LIF-25"] "a second deactivation is refused"
    PreservedDataLost ["LIF-27"] "preserved data is lost"
    StatusWordInvented ["LIF-29"] "a status that the contract does not know"
    ReactivationMovesCreatedAt ["LIF-30"] "reactivation moves created_at"
    ReactivationKeepsOldPlan ["LIF-30"] "reactivation keeps the old plan"
    MismatchCreates ["LIF-10"] "a mismatch of ids is refused, and the tenant made"
    ContactMayLack ["LIF-11"] "a contact without e-mail"
    FeaturesMayBeText ["LIF-12"] "features may be a text"
    RetentionInThePast ["LIF-21"] "kept until yesterday"
    RetentionThoughDeleted ["LIF-21"] "a date until which nothing is kept"
    SecondDeactivationCounts ["LIF-25"] "a second deactivation deletes what the first kept"
    SettingsOutlive ["LIF-26"] "settings of a deactivated tenant are served"
    WritesOutlive ["LIF-26"] "users of a deactivated tenant can be made"
    UsageDies ["LIF-26"] "the last bill cannot be read"

    // dashboard
    StatsLackTenant ["DSH-01"] "stats do not name the tenant"
    CountsAreTexts ["DSH-02"] "a count is a text"
    PeriodNotEchoed ["DSH-03"] "period is always 30d in answers"
    DefaultPeriodIsAWeek ["DSH-04"] "the default period is a week"
    NegativeCost ["DSH-06"] "negative cost"
    ActiveUsersDoubled ["DSH-07"] "more active users than users"
    TotalUsersOffByOne ["DSH-08"] "one user too many"
    NewUsersNotCounted ["DSH-09"] "new users are not counted"
    LongWindowsAreShort ["DSH-10"] "ninety days hold less than thirty"
    DailyRowsLackTokens ["DSH-11"] "daily rows without tokens"
    OldestDayFirst ["DSH-12"] "the oldest day comes first"
    DailyMessagesDoubled ["DSH-14"] "days hold more messages than the total"
    HealthCheckedTomorrow ["DSH-15"] "last_check is in the future"
    CostsLackTrend ["DSH-16"] "costs without daily_trend"
    TrendLosesADay ["DSH-18"] "a day is missing from the costs' trend"
    DearestLast ["DSH-20"] "the dearest user comes last"
    GhostsInLists ["DSH-21"] "the dearest users do not exist"
    CostRoundedToCents ["DSH-22"] "stats round cost to cents"
    OutputTokensLeftOut ["DSH-23"] "output tokens are not shown"
    TopUsersLackPeriod ["DSH-24"] "top users without period"
    TopUsersLimitIgnored ["DSH-25"] "top users ignore limit"
    BusiestLast ["DSH-26"] "the busiest user comes last"
    PatternsNotThere ["DSH-27" "CAT-02"] "usage patterns are listed but answer 501"
    HoursMissing ["DSH-28"] "the first hour of the day is missing"
    UsagePeriodFixed ["DSH-29"] "usage names a fixed month"
    UsageMonth13Accepted ["DSH-30"] "a thirteenth month"
    UsageWithoutPeriod ["DSH-30"] "usage without a month"
    UsageIsFractional ["DSH-31"] "a count with a fraction"
    FutureMonthCounts ["DSH-33"] "usage in a month to come"
    BusiestMoves ["DSH-35"] "two readings of the busiest users differ"
    StatsMove ["DSH-35"] "two readings differ"
    CostIsText ["DSH-36"] "money as text"
    HugePeriodAccepted ["DSH-05"] "a window of ninety-nine million days"
    EmptyPeriodAccepted ["DSH-05"] "an empty period means the default"
    TomorrowIsThere ["DSH-12"] "a row for tomorrow"
    DailyTokensDoubled ["DSH-14"] "days hold more tokens than the total"
    HealthMissing ["DSH-15"] "stats without health"
    CostsDiffer ["DSH-16"] "the short path of costs answers other data"
    CostsHaveOnePath ["DSH-16"] "the short path of costs is missing"
    DearestTwice ["DSH-20"] "the dearest user stands twice"
    GhostsAmongBusiest ["DSH-21"] "the busiest users do not exist"
    FiftyOneAllowed ["DSH-25"] "top users take a limit of 51"
    LastActiveLocal ["DSH-26"] "last_active without a zone"
    SessionsOfHoursDoubled ["DSH-28"] "hours hold more sessions than the total"
    WeekdaysFromZero ["DSH-28"] "the week begins with zero"
    PeakIsWrong ["DSH-28"] "the peak is not the peak"
    ShortMonthAccepted ["DSH-30"] "a month of one digit"
    DayIsAMonth ["DSH-30"] "a day as month"
    UsageOfNobody ["DSH-34"] "an unknown tenant used nothing"
    NanoDollars ["DSH-36"] "money with nine decimals"

    // users
    CreateAnswers200 ["USR-01"] "creation answers 200"
    CreateOmitsTemporaryPassword ["USR-02"] "creation does not speak of the password"
    GetUserForgetsRole ["USR-04"] "a single user is always role user"
    RowsLackStatus ["USR-05"] "rows without status"
    EmptyPutBlanks ["USR-08"] "an empty change blanks the name"
    DeleteAnswers200 ["USR-09"] "deletion answers 200 with a body"
    DeleteAgainSucceeds ["USR-11"] "a second deletion succeeds"
    ConflictIsBadRequest ["USR-12"] "a taken e-mail address answers 400"
    EmailCaseCounts ["USR-13"] "letter case makes another e-mail address"
    DeletedEmailStaysTaken ["USR-14"] "a deleted user's e-mail address stays taken"
    FormerIdGivenAgain ["USR-14"] "a former id is given again"
    UnknownUserIsNoResource ["USR-15"] "an unknown user has another code"
    AnyRoleAccepted ["USR-16"] "any role on creation"
    BadRoleUpdateIgnored ["USR-16"] "a bad role in a change is passed over"
    MissingEmailAccepted ["USR-17"] "users without e-mail"
    AnyEmailAccepted ["USR-18"] "any text is an e-mail address"
    BlankUserNameAccepted ["USR-19"] "blank names of users"
    PasswordHashShown ["USR-20"] "lists show password hashes"
    PasswordStays ["USR-21"] "a password given by the market stays"
    StatusFilterIgnored ["USR-23"] "the status filter is ignored"
    SearchMindsCase ["USR-24"] "search minds letter case"
    SearchIgnored ["USR-24" "USR-25"] "search finds everybody"
    BadRoleFilterIgnored ["USR-26"] "a bad role filter is passed over"
    NamesNormalised ["USR-27"] "names are normalised"
    SearchMindsForm ["USR-27"] "search minds the Unicode form"
    ReadOnlyFieldsApplied ["USR-28"] "read-only members are applied"
    UserIdsConsecutive ["USR-29"] "user ids are counted"
    QuotaIgnored ["USR-30"] "max_users is not kept"
    WelcomeFlagRefused ["USR-31"] "every user must be welcomed"
    CreatedYesterday ["USR-33"] "created_at is nine hours ago"
    NoTenantIsNoUser ["USR-34"] "an unknown tenant is reported as an unknown user"
    DeletedUsersFound ["USR-10"] "search finds deleted users"
    SpacesCount ["USR-13"] "spaces make another e-mail address"
    RoleUpdateUnchecked ["USR-16"] "any role in a change"
    LineEndsInEmail ["USR-18"] "an e-mail address of two lines"
    LongEmailAccepted ["USR-18"] "an e-mail address of four hundred characters"
    PasswordKept ["USR-20"] "a user shows the password"
    FiltersAreAlternatives ["USR-23"] "one of two filters is enough"
    SearchSkipsEmail ["USR-24"] "search looks in names only"
    UnderscoreIsAny ["USR-25"] "an underscore is any character"
    QuoteCrashes ["USR-25"] "a quote in a search crashes"
    CreatedAtWritable ["USR-28"] "created_at can be sent"
    UserIdIsEmail ["USR-29"] "user ids are e-mail addresses"

    // resources
    ResourcesLackTotal ["RES-01"] "resources without total"
    TypeFilterIgnored ["RES-02"] "the type filter is ignored"
    AnyTypeAccepted ["RES-03"] "an unknown type is passed over"
    ItemsLackTitle ["RES-04"] "items without title"
    ResourceLimitIgnored ["RES-05"] "resources ignore limit"
    ResourceOffsetIgnored ["RES-06"] "resources ignore offset"
    ResourceOffsetIsAPage ["RES-06"] "an offset of resources goes back to the page it is in"
    ResourceSearchIgnored ["RES-07"] "resources ignore search"
    NoTypeIsCourse ["RES-08"] "no type is called course"
    ItemsMadeByGhosts ["RES-09"] "items made by nobody"
    ItemIdsRepeat ["RES-11"] "item ids repeat"
    ResourcesLackPage ["RES-12"] "resources without limit and offset"
    NegativeCounts ["RES-04"] "items with negative counts"
    ResourceTotalIsPage ["RES-06"] "the total of resources counts the page"

    // settings
    SettingsHaveNoSubscription ["SET-01"] "settings without subscription"
    FeaturesAreWords ["SET-02"] "features are texts"
    SubscriptionEndsFirst ["SET-03"] "the subscription ends before it starts"
    SubscriptionPlanDiffers ["SET-04"] "the subscription names another plan"
    SettingsPutAnswersNothing ["SET-05"] "a change of settings does not return them"
    SettingsPutResets ["SET-07"] "a change of branding resets limits and features"
    AnyLimitAccepted ["SET-08"] "any limit is accepted"
    AnyColorAccepted ["SET-09"] "any colour and logo are accepted"
    AnyCssAccepted ["SET-10"] "any style is accepted"
    SubscriptionWritable ["SET-11"] "the plan can be changed through settings"
    AnyFeatureEnabled ["SET-12"] "features outside the plan"
    LimitsLackUsed ["SET-13"] "limits without used"
    LimitsDifferFromSettings ["SET-14"] "limits and settings differ"
    FeaturesNotTrue ["SET-15"] "ordered features are off"
    FractionLimitAccepted ["SET-08"] "a limit with a fraction"
    HugeLimitAccepted ["SET-08"] "a limit of thirty digits"
    InternalLogoAccepted ["SET-09"] "a logo from inside"
    ImportAccepted ["SET-10"] "a style that imports another"
    LimitsOfNobody ["SET-16"] "an unknown tenant has limits"

    // compat
    WebhookMakesNothing ["CMP-01"] "the webhook makes no tenant"
    FlatBodyRefused ["CMP-02"] "the flat application is refused"
    NestedBodyRefused ["CMP-03"] "the nested application is refused"
    OldWordsOnly ["CMP-04"] "the webhook speaks the old words only"
    WebhookStatusInvented ["CMP-04" "CMP-05"] "the webhook invents a status"
    DemoNeverEnds ["CMP-05"] "a demonstration lasts a year"
    NoEndDateIsAMonth ["CMP-05"] "a service without end_date lasts a month"
    EndDateIgnored ["CMP-05"] "a service lasts a year whatever its end_date"
    LongTenantNames ["CMP-05"] "tenant ids of more than fifty characters"
    ApplicantGetsAnother ["CMP-06"] "the same applicant gets another tenant"
    AliasUsersDiffer ["CMP-09"] "old users path answers other data"
    AliasCoursesDiffer ["CMP-10"] "old courses path answers other data"
    AliasDiscussionsDiffer ["CMP-11"] "old discussions path answers other data"
    AliasErrorsCrash ["CMP-12"] "bad values crash old paths"
    AliasCaches ["CMP-13"] "an old path keeps its first answer"
    FarewellTooEarly ["CMP-14"] "one old path alone is deprecated"
    SunsetBeforeDeprecation in Deprecated ["CMP-14"] "the end comes before the warning"
    ErrorsSayNothing in Deprecated ["CMP-14"] "errors of old paths keep the end to themselves"
    RemovedWithoutLink in Removed ["CMP-15"] "a removed path names no successor"
    StandardDeprecated ["CMP-16"] "standard routes are deprecated"
    StandardSucceeded ["CMP-16"] "standard routes name a successor"
    ListWithoutKey ["CMP-17"] "the tenant list needs no key"
    OldSpellingMissing ["CMP-08"] "one spelling of the old stats path is missing"
    AliasFiltersIgnored ["CMP-09"] "the old users path ignores filters"
    AliasLimitUnchecked ["CMP-12"] "the old users path takes any limit"
    SunsetMissing in Deprecated ["CMP-14"] "no Sunset"
    StrangersHearNothing in Deprecated ["CMP-14"] "401 on old paths keeps the end to itself"
    SuccessorTooEarly ["CMP-14"] "old paths name their successor before they are deprecated"
    SuccessorMissing in Deprecated ["CMP-14"] "no Link"
    StandardGoneToo in Removed ["CMP-15"] "the standard path went with the old one"

    // isolation
    TenantLeftOver ["ISO-14"] "the tenant of the request before"
    ResourcesOfEverybody ["ISO-08"] "resources of every tenant"
    EmailUniqueEverywhere ["ISO-05"] "e-mail addresses are unique over all tenants"
    DeactivationEndsEverybody ["ISO-09"] "deactivation ends every tenant"
    BodyTenantWins ["ISO-13"] "the body's tenant_id wins over the path's"
    SearchCrosses ["ISO-01"] "search looks in every tenant"
    ForeignIsForbidden ["ISO-02"] "another tenant's user answers 403"
    ChangeCrosses ["ISO-03"] "changes reach another tenant's user"
    DeleteCrosses ["ISO-04"] "deletion reaches another tenant's user"
    ErrorsGossip ["ISO-10"] "errors quote another tenant's user"
    CaseMerges ["ISO-11"] "letter case does not make another tenant"

    // idempotency
    IdempotencyBodyIgnored ["IDM-02"] "a key replays whatever the body"
    RunningKeyRunsAgain ["IDM-03"] "a key in use runs again"
    IdempotencyKeyGlobal ["IDM-04" "ISO-15"] "keys are shared by all tenants"
    IdempotencyKeyOfAnyRoute ["IDM-05"] "keys are shared by all routes"
    RefusedCreateStays ["ERR-11" "USR-16"] "a refused user stays"
    FailureSticks ["IDM-06"] "a failure is kept and answers the next key too"
    EmailIndexLags ["IDM-11"] "e-mail addresses are compared with an old copy"
    ReplayAnswers200 ["IDM-01"] "a replay has another status"
    LostUpdate ["IDM-09"] "of two changes at once one is lost"
    PutResurrects ["IDM-10"] "a change brings a deleted user back"
    PutAgainChangesMore ["IDM-12"] "the same change again changes more"
    GetChangesState ["IDM-13"] "reading moves updated_at"
    MismatchIsConflict ["IDM-02"] "another body answers 409"

    // pagination
    ListOmitsOffset ["PAG-01"] "lists without offset"
    WrongLimitEchoed ["PAG-02"] "another limit is echoed"
    DefaultLimitTen ["PAG-05"] "ten rows by default"
    LimitClamped ["PAG-06"] "limits are clamped"
    OffsetPastEndWraps ["PAG-07"] "past the end it starts again"
    PagesHoldFifty ["PAG-08"] "no page holds more than fifty"
    OrderDependsOnLimit ["PAG-10"] "the order depends on the page size"
    TotalIgnoresFilter ["PAG-11"] "total counts what was filtered out"
    OffsetReadInPart ["PAG-13"] "an offset is read up to its first letter"
    HugeOffsetCrashes ["PAG-13"] "a huge offset crashes"
    NegativeOffsetAccepted ["PAG-06"] "an offset below zero means zero"
    TextLimitAccepted ["PAG-06"] "a limit that is no number means the default"
    PastEndIsRefused ["PAG-07"] "past the end is an error"

    // errors
    ErrorsLackSuccess ["ERR-01"] "errors without success"
    ErrorsAreCalledText ["ERR-02"] "errors are called plain text"
    CodeInvented ["ERR-03"] "an invented code"
    CodeAndStatusQuarrel ["ERR-04"] "404 with the code of a conflict"
    BrokenJsonIs422 ["ERR-05"] "broken JSON answers 422"
    AnyContentTypeAccepted ["ERR-06"] "any content type is read"
    WrongContentTypeCrashes ["ERR-06"] "another content type crashes"
    ArrayBodyCrashes ["ERR-07"] "an array as body crashes"
    DeepBodyCrashes ["ERR-07"] "a deep body crashes"
    DuplicateMembersAccepted ["ERR-07"] "members may stand twice"
    BigBodyCrashes ["ERR-08"] "a big body crashes"
    WrongVerbIsNotFound ["ERR-09"] "a wrong verb is a wrong path"
    VerbsNotNamed ["ERR-09"] "405 without Allow"
    UnknownPathCrashes ["ERR-09"] "an unknown path crashes"
    ValidationCrashes ["ERR-10"] "refused values answer 500"
    FieldNotNamed ["ERR-12"] "a refusal names no field"
    BrokenUtf8Accepted ["ERR-13"] "broken UTF-8 is mended"
    ControlCharactersAccepted ["ERR-13"] "NUL is stored"
    EmptyBodyIsAnObject ["ERR-05"] "an empty body is an empty object"
    NoContentTypeAccepted ["ERR-06"] "a body without content type is read"
    DepthUnlimited ["ERR-07"] "bodies may be sixty deep"
    PartialSettings ["ERR-11"] "settings keep the sound half of a refused change"
    PartialChange ["ERR-11"] "a user keeps the sound half of a refused change"
    FirstFieldOnly ["ERR-12"] "only the first faulty field is named"
    SurrogatesMended ["ERR-13"] "lone surrogates are mended"

    // Not faults: what the contract leaves to the service. No check may fail.
    NoDemonstration [] "new tenants are empty"
    NothingOptional [] "no capability is offered"
    WholeSeconds [] "timestamps without fraction"
    MoreMembers [] "answers hold members that the contract does not know"
    CharsetNamed [] "the content type names its charset"
    EmptyPutRefused [] "an empty change is refused"
    TwoKeysRefused [] "two keys answer 400"
    FutureMonthRefused [] "usage of a month to come is refused"
    LimitsUnlisted [] "limits work and are not in the catalogue"
    ForeignTenantRefused [] "another tenant's id in a body is refused"
}
