//! Everything that the pages of accounts say. The one home of their sentences.

use crate::text::texts;

texts! {
    SKIP = "Skip to content", "본문으로 건너뛰기";
    OTHER_LANGUAGE = "한국어", "English";
    ERROR_TITLE = "Error: {title}", "오류: {title}";
    FAULTS = "Please look at this again", "다시 확인해 주세요";
    OPTIONAL = "(optional)", "(선택)";
    DONE = "Done", "완료";
    NOTE = "Note", "안내";
    WARNING = "Attention", "주의";
    FAULT = "Error", "오류";
    MORE = "Next page", "다음 쪽";
    BACK_TO_START = "Back to the first page", "첫 쪽으로";
    REQUEST_ID = "Request number: {id}", "요청 번호: {id}";

    LOG_IN = "Log in", "로그인";
    LOG_OUT = "Log out", "로그아웃";
    MY_ACCOUNT = "My account", "내 계정";
    LOGIN_NAME = "Login name or e-mail", "아이디 또는 이메일";
    LOGIN_NAME_NEW = "Login name", "아이디";
    PASSWORD = "Password", "비밀번호";
    FORGOT_LINK = "Forgot your password?", "비밀번호를 잊으셨나요?";
    FOR_OPERATORS = "For those who run {service}.", "{service} 운영자용 로그인입니다.";
    FOR_PEOPLE = "For the people of {tenant}.", "{tenant} 조직의 로그인입니다.";
    ALREADY_IN = "You are logged in as {name}.", "{name} 님으로 로그인되어 있습니다.";
    GO_ON = "Continue", "계속하기";
    NAME_MISSING = "Enter your login name.", "아이디를 입력해 주세요.";
    PASSWORD_MISSING = "Enter your password.", "비밀번호를 입력해 주세요.";
    LOGGED_OUT = "You are logged out.", "로그아웃했습니다.";
    LOGGED_OUT_EVERYWHERE = "You are logged out on all devices.", "모든 기기에서 로그아웃했습니다.";
    LOGIN_NEEDED = "Log in to go on.", "계속하려면 로그인해 주세요.";

    FORGOT = "Forgot password", "비밀번호 찾기";
    FORGOT_LEAD = "We send you a link to set a new one.", "새 비밀번호를 정할 수 있는 링크를 보내 드립니다.";
    ORGANISATION = "Organisation", "조직";
    ORGANISATION_ID = "Organisation ID", "조직 ID";
    ORGANISATION_HINT = "The part behind /t/ in the address of your service. Leave it empty if you run {service}.", "서비스 주소에서 /t/ 뒤에 오는 이름입니다. {service} 운영자라면 비워 두세요.";
    ORGANISATION_WRONG = "An organisation ID has letters, digits, _ and - only. Copy it from the address of your service.", "조직 ID는 영문자, 숫자, _, -로만 이루어집니다. 서비스 주소에서 복사해 주세요.";
    SEND_LINK = "Send link", "링크 보내기";
    LINK_SENT = "Look into your mailbox", "메일함을 확인해 주세요";
    LINK_SENT_LEAD = "If there is such an account with an e-mail address, a link is on its way to it. It works for one hour.", "입력하신 계정이 있고 이메일이 등록되어 있다면 링크를 보냈습니다. 링크는 한 시간 동안 쓸 수 있습니다.";
    LINK_SENT_HINT = "Nothing there after some minutes? Look among the spam, or ask an administrator for a link.", "몇 분이 지나도 오지 않으면 스팸함을 확인하거나 관리자에게 링크를 요청해 주세요.";
    BACK_TO_LOGIN = "Back to login", "로그인으로 돌아가기";

    SET_PASSWORD = "Set password", "비밀번호 정하기";
    SET_PASSWORD_WELCOME = "Welcome to {service}. Choose a password for this account.", "{service}에 오신 것을 환영합니다. 이 계정에서 쓸 비밀번호를 정해 주세요.";
    SET_PASSWORD_RESET = "Choose a new password for this account. All devices will be logged out.", "이 계정의 새 비밀번호를 정해 주세요. 로그인된 모든 기기에서 로그아웃됩니다.";
    ACCOUNT = "Account", "계정";
    OPERATORS_OF = "Operators of {service}", "{service} 운영자";
    LINK_ENDS = "Link works until", "링크 유효 기한";
    NEW_PASSWORD = "New password", "새 비밀번호";
    PASSWORD_HINT = "At least {minimum} characters. Several words in a row are easy to remember; a password manager may fill it in.", "{minimum}자 이상이어야 합니다. 단어 여러 개를 이어 쓰면 기억하기 쉽고, 비밀번호 관리자를 써도 됩니다.";
    SET_AND_LOG_IN = "Set password and log in", "비밀번호 정하고 로그인";
    LINK_ENDED = "This link does not work any more", "더 이상 쓸 수 없는 링크입니다";
    LINK_ENDED_LEAD = "It was used already, has ended, or was not copied whole. Your account is safe.", "이미 썼거나, 기한이 지났거나, 주소가 다 복사되지 않았습니다. 계정에는 문제가 없습니다.";
    ASK_AGAIN = "Ask for another link", "새 링크 요청하기";

    SETUP = "First operator", "첫 운영자 만들기";
    SETUP_LEAD = "{service} has nobody yet who runs it. Whoever fills this in can do everything.", "{service}에는 아직 운영자가 없습니다. 여기서 만드는 계정은 모든 것을 관리할 수 있습니다.";
    PERSON_NAME = "Name", "이름";
    EMAIL = "E-mail", "이메일";
    EMAIL_HINT = "Links for a new password are sent here.", "새 비밀번호를 정하는 링크를 이 주소로 보냅니다.";
    MAKE_OPERATOR = "Create account and log in", "계정 만들고 로그인";
    SETUP_ENDED = "This address does not work any more", "더 이상 쓸 수 없는 주소입니다";
    SETUP_ENDED_LEAD = "It works for 15 minutes after the service was started, once. Start the service again to get another one.", "서비스를 시작한 뒤 15분 동안 한 번만 쓸 수 있습니다. 서비스를 다시 시작하면 새 주소가 나옵니다.";

    CHANGE_PASSWORD = "Change password", "비밀번호 바꾸기";
    CHANGE_FORCED = "Others know your password. Choose your own before you go on.", "지금 비밀번호는 다른 사람도 알고 있습니다. 계속하기 전에 새 비밀번호를 정해 주세요.";
    CHANGE_LEAD = "All other devices will be logged out.", "다른 모든 기기에서 로그아웃됩니다.";
    CURRENT_PASSWORD = "Current password", "현재 비밀번호";
    CURRENT_MISSING = "Enter your current password.", "현재 비밀번호를 입력해 주세요.";
    CANCEL = "Cancel", "취소";
    PASSWORD_CHANGED = "Your password is changed. All other devices are logged out.", "비밀번호를 바꿨습니다. 다른 기기에서는 모두 로그아웃되었습니다.";

    ACCESS = "Access", "권한";
    ACCESS_USER = "User", "사용자";
    ACCESS_VIEWER = "Viewer", "조회자";
    ACCESS_ADMIN = "Administrator", "관리자";
    ACCESS_SUPER_ADMIN = "Super administrator", "최고 관리자";
    SESSIONS = "Where you are logged in", "로그인된 기기";
    THIS_DEVICE = "this device", "지금 이 기기";
    UNKNOWN_DEVICE = "Unknown program", "알 수 없는 기기";
    UNKNOWN_ADDRESS = "unknown address", "주소를 알 수 없음";
    LOGGED_IN_AT = "Logged in", "로그인";
    SEEN_AT = "Last used", "마지막 사용";
    ENDS_AT = "Ends", "종료 예정";
    END_SESSION = "Log out", "로그아웃시키기";
    SESSION_ENDED = "That device is logged out.", "그 기기에서 로그아웃했습니다.";
    EVERYWHERE = "Log out everywhere", "모든 기기에서 로그아웃";
    EVERYWHERE_HINT = "Ends every session, this one too.", "지금 이 기기를 포함해 모두 로그아웃합니다.";

    KEYS = "My API keys", "내 API 키";
    KEYS_LEAD = "Programs use a key to act in your name. A key can never do more than you may.", "프로그램은 키로 내 이름을 대신해 일합니다. 키의 권한은 내 권한을 넘지 않습니다.";
    NO_KEYS = "No keys yet", "아직 키가 없습니다";
    NO_KEYS_HINT = "Make one below to let a program use {service}.", "아래에서 키를 만들면 프로그램에서 {service} 기능을 쓸 수 있습니다.";
    KEY_NAME = "Name of the key", "키 이름";
    KEY_NAME_HINT = "What will use it, for example: report on Mondays.", "어디에 쓰는지 적어 주세요. 예: 월요일 보고서";
    KEY_PURPOSE = "Kind", "종류";
    KEY_LIVE = "Live", "실사용";
    KEY_TEST = "Test", "테스트";
    KEY_SCOPES = "What it may do", "허용할 일";
    KEY_ENDS = "Ends", "만료";
    NEVER = "never", "없음";
    DAYS_30 = "in 30 days", "30일 뒤";
    DAYS_90 = "in 90 days", "90일 뒤";
    DAYS_365 = "in a year", "1년 뒤";
    MAKE_KEY = "Make key", "키 만들기";
    MADE_AT = "Made", "만든 때";
    USED_AT = "Last used", "마지막 사용";
    NOT_USED = "not used yet", "아직 쓰지 않음";
    KEY_WORKS = "works", "사용 중";
    KEY_REVOKED = "revoked", "폐기됨";
    KEY_OVER = "ended", "만료됨";
    KEY_REPLACED = "replaced; works until it ends", "교체됨, 만료될 때까지 사용 가능";
    ROTATE = "Replace", "교체";
    ROTATE_LEAD = "Makes a new key with the same rights. The old one goes on working for:", "권한이 같은 새 키를 만듭니다. 기존 키를 더 쓸 수 있는 기간:";
    OVERLAP_NONE = "not at all", "바로 중지";
    OVERLAP_DAY = "one day", "하루";
    OVERLAP_WEEK = "one week", "일주일";
    MAKE_NEW_KEY = "Make the new key", "새 키 만들기";
    REVOKE = "Revoke", "폐기";
    REVOKE_LEAD = "Programs with this key are refused at once. This cannot be undone.", "이 키를 쓰는 프로그램은 바로 거부됩니다. 되돌릴 수 없습니다.";
    REVOKE_FOR_GOOD = "Revoke for good", "완전히 폐기하기";
    KEY_REVOKED_DONE = "The key is revoked.", "키를 폐기했습니다.";
    KEY_MADE = "Your new key", "새 API 키";
    KEY_MADE_LEAD = "Copy it now: it is shown this once and kept nowhere.", "지금 복사해 두세요. 이 화면에서 한 번만 보이며 어디에도 저장되지 않습니다.";
    KEY_COPY = "Click the key to select it, then copy it (Ctrl+C, on a Mac ⌘C).", "키를 누르면 전체가 선택됩니다. Ctrl+C(Mac은 ⌘C)로 복사하세요.";
    KEY_STORED = "I stored it", "보관했습니다";

    WRONG_LOGIN = "The login name or the password is wrong. Check both, and whether Caps Lock or the Korean keyboard is on.", "아이디 또는 비밀번호가 맞지 않습니다. 두 가지를 다시 확인하고, Caps Lock이나 한/영 전환 상태도 살펴봐 주세요.";
    WRONG_PASSWORD = "The current password is wrong. Enter it again.", "현재 비밀번호가 맞지 않습니다. 다시 입력해 주세요.";
    TOO_MANY_TRIES = "Too many tries. Wait {seconds} seconds and try again.", "시도가 너무 많았습니다. {seconds}초 기다린 뒤 다시 시도해 주세요.";
    TOO_MANY_TRIES_MINUTES = "Too many tries. Wait {minutes} minutes and try again.", "시도가 너무 많았습니다. {minutes}분 기다린 뒤 다시 시도해 주세요.";
    BUSY = "Many people are logging in right now. Try again in a moment.", "지금 로그인이 몰리고 있습니다. 잠시 뒤 다시 시도해 주세요.";
    NOT_LOGGED_IN = "You are not logged in, or your session has ended. Log in and try again.", "로그인되어 있지 않거나 세션이 끝났습니다. 로그인한 뒤 다시 시도해 주세요.";
    MUST_CHANGE = "Choose a new password first.", "먼저 새 비밀번호를 정해 주세요.";
    NOT_ALLOWED = "Your access does not go that far. Ask an administrator for it.", "이 작업을 할 권한이 없습니다. 관리자에게 요청해 주세요.";
    ONESELF = "You cannot do this to your own account. Ask another administrator.", "자기 계정에는 할 수 없는 작업입니다. 다른 관리자에게 요청해 주세요.";
    MISSING_TENANT = "There is no such organisation in use. Check the address.", "사용 중인 조직이 아닙니다. 주소를 확인해 주세요.";
    MISSING_KEY = "That key does not work any more. The list below shows how it stands now.", "더 이상 쓸 수 없는 키입니다. 아래 목록에서 현재 상태를 확인해 주세요.";
    MISSING_SESSION = "That device was logged out already.", "이미 로그아웃된 기기입니다.";
    MISSING = "It is not there any more. Load the page again.", "더 이상 없는 항목입니다. 페이지를 새로 고쳐 주세요.";
    TAKEN = "The login name or the e-mail address is taken. Choose another one.", "이미 쓰이는 아이디 또는 이메일입니다. 다른 것을 정해 주세요.";
    OVER_QUOTA = "The organisation may have at most {limit} users. Remove somebody, or ask for a larger plan.", "이 조직의 사용자는 최대 {limit}명입니다. 사용자를 줄이거나 더 큰 요금제를 요청해 주세요.";
    LAST_SUPER_ADMIN = "The last super administrator has to stay. Make another one first.", "마지막 최고 관리자는 남아 있어야 합니다. 먼저 다른 최고 관리자를 정해 주세요.";
    NOT_FIRST = "Somebody made the first account already. Log in, or ask them for an account.", "첫 운영자 계정이 이미 만들어졌습니다. 로그인하거나 그 운영자에게 계정을 요청해 주세요.";
    SAME_PASSWORD = "This is the password that you have already. Choose another one.", "지금 쓰는 비밀번호와 같습니다. 다른 비밀번호를 정해 주세요.";
    TOO_MANY_KEYS = "You have {limit} keys already. Revoke one that you do not need.", "키가 이미 {limit}개 있습니다. 쓰지 않는 키를 먼저 폐기해 주세요.";
    CONTENDED = "Your account was changed elsewhere at the same moment. Try again.", "같은 순간에 다른 곳에서 계정이 바뀌었습니다. 다시 시도해 주세요.";
    UNAVAILABLE = "This does not work at the moment. Nothing was changed; try again in a moment.", "지금은 처리할 수 없습니다. 바뀐 것은 없으니 잠시 뒤 다시 시도해 주세요.";
    PASSWORD_SHORT = "Too short: it needs at least {minimum} characters. Add another word.", "너무 짧습니다. {minimum}자 이상이어야 합니다. 단어를 하나 더 이어 써 보세요.";
    PASSWORD_LONG = "Too long: at most {maximum} bytes. Choose a shorter one.", "너무 깁니다. {maximum}바이트까지 쓸 수 있습니다. 더 짧게 정해 주세요.";
    PASSWORD_COMMON = "Many people use this one, so others would guess it. Choose another one.", "많은 사람이 쓰는 비밀번호라 쉽게 뚫립니다. 다른 비밀번호를 정해 주세요.";
    PASSWORD_MONOTONOUS = "It repeats itself or counts up or down. Choose words that do not belong together.", "같은 글자가 되풀이되거나 차례대로 이어집니다. 서로 관계없는 단어를 골라 주세요.";
    PASSWORD_CONTEXT = "It is little more than your name, the service or a well-known word. Add words that others cannot know.", "이름이나 서비스 이름처럼 남들이 아는 말이 대부분입니다. 남이 알 수 없는 단어를 더해 주세요.";
    PASSWORD_REFUSED = "This password is not good enough. Choose another one.", "안전하지 않은 비밀번호입니다. 다른 비밀번호를 정해 주세요.";

    KEY_MISTYPED = "The key is mistyped. Copy it again, whole.", "키가 잘못 입력되었습니다. 처음부터 끝까지 다시 복사해 주세요.";
    KEY_UNKNOWN = "This key was not made here. Check which service it belongs to.", "이 서비스에서 만든 키가 아닙니다. 어느 서비스의 키인지 확인해 주세요.";
    KEY_WAS_REVOKED = "The key is revoked. Make another one.", "폐기된 키입니다. 새 키를 만들어 주세요.";
    KEY_HAS_ENDED = "The key has ended. Make another one.", "만료된 키입니다. 새 키를 만들어 주세요.";
    KEY_OWNER = "The account of the key is not active. Ask an administrator.", "키 주인의 계정이 사용 중이 아닙니다. 관리자에게 문의해 주세요.";
    KEY_SCOPE = "The key may not do this. Make one with the right that is missing.", "이 키로는 할 수 없는 작업입니다. 필요한 권한을 넣어 새 키를 만들어 주세요.";
    KEY_REFUSED = "The key is not accepted. Make another one.", "쓸 수 없는 키입니다. 새 키를 만들어 주세요.";

    RULE_LINE = "Enter 1 to 200 characters in one line.", "한 줄로 1자 이상 200자 이하로 입력해 주세요.";
    RULE_KEY_NAME = "Enter a name of 1 to 100 characters in one line.", "이름을 한 줄로 1자 이상 100자 이하로 입력해 주세요.";
    RULE_EMAIL = "Enter an e-mail address such as name@example.com.", "name@example.com과 같은 이메일 주소를 입력해 주세요.";
    RULE_END = "Choose an end in the future.", "앞으로 올 만료 시점을 골라 주세요.";
    RULE_SCOPES = "Choose from the rights of the list.", "목록에 있는 권한에서 골라 주세요.";
    RULE_OVERLAP = "Choose from 0 hours to 30 days.", "0시간부터 30일 사이에서 골라 주세요.";
    RULE_ANY = "This cannot be used. Enter something else.", "쓸 수 없는 값입니다. 다른 값을 입력해 주세요.";

    NOT_FOUND = "Page not found", "찾을 수 없는 페이지";
    NOT_FOUND_LEAD = "Check the address, or begin at the start page.", "주소를 확인하거나 첫 화면에서 다시 시작해 주세요.";
    NOT_ALLOWED_TITLE = "Not allowed", "권한이 없습니다";
    STALE_PAGE = "Load the page again", "페이지를 새로 고쳐 주세요";
    STALE_PAGE_LEAD = "The form was not sent from a page of this service, or the page is older than your login. Nothing was changed. Go back, load the page again and send it once more.", "이 서비스의 페이지에서 보낸 것이 아니거나, 로그인하기 전에 열어 둔 페이지입니다. 바뀐 것은 없습니다. 뒤로 가서 페이지를 새로 고친 뒤 다시 보내 주세요.";
    UNREADABLE = "The form could not be read", "보낸 내용을 읽을 수 없습니다";
    UNREADABLE_LEAD = "Nothing was changed. Go back, load the page again and send it once more.", "바뀐 것은 없습니다. 뒤로 가서 페이지를 새로 고친 뒤 다시 보내 주세요.";
    NOT_WORKING = "Something went wrong", "문제가 생겼습니다";
    TO_START = "To the start page", "첫 화면으로";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mt_paas_axum::language::Language;

    use super::*;

    /// Texts that name the other language, and so hold the other's letters.
    const SWITCHES: &[&str] = &["OTHER_LANGUAGE"];

    #[test]
    fn every_text_is_said_in_both_languages() {
        for (name, text) in ALL.iter().filter(|(name, _)| !SWITCHES.contains(name)) {
            let (english, korean) = (text.to(Language::English), text.to(Language::Korean));
            assert_ne!(english, korean, "{name}");
            assert!(!english.is_empty() && !english.chars().any(is_hangul), "{name}: {english}");
            assert!(korean.chars().any(is_hangul), "{name}: {korean}");
            assert_eq!(members(english), members(korean), "{name}");
            // Right after a value nobody knows which of the two forms of a particle is the right one.
            for particle in ["은", "는", "이", "가", "을", "를", "와", "과", "로", "으로"] {
                let bad = format!("}}{particle} ");
                assert!(!korean.contains(&bad), "{name}: {korean}");
            }
        }
    }

    #[test]
    fn sentences_are_written_nowhere_else() {
        let sources = [
            include_str!("accounts/account.rs"),
            include_str!("accounts/forgot.rs"),
            include_str!("accounts/keys.rs"),
            include_str!("accounts/link.rs"),
            include_str!("accounts/login.rs"),
            include_str!("accounts/password.rs"),
            include_str!("accounts/said.rs"),
            include_str!("accounts/setup.rs"),
            include_str!("accounts/shown.rs"),
            include_str!("form.rs"),
            include_str!("layout.rs"),
            include_str!("list.rs"),
        ];
        for source in sources {
            assert!(!source.chars().any(is_hangul), "{}", source.lines().next().unwrap());
        }
    }

    fn is_hangul(c: char) -> bool {
        ('가'..='힣').contains(&c)
    }

    fn members(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
    }
}
