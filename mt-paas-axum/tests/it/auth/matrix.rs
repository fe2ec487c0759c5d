//! Every operation, for everybody, in every tenant.

use std::collections::{BTreeMap, BTreeSet};

use mt_paas_axum::http::Method;
use mt_paas_core::UserId;
use mt_paas_core::audit::Outcome;
use mt_paas_core::auth::{Access, AuthStore};
use serde_json::{Value, json};

use super::{Ask, OTHER, PASSWORD, Somebody, Stand};

/// What an operation asks for.
#[derive(Clone, Copy)]
enum Needs {
    /// Nothing: this comes of it for everybody.
    Nothing(u16),
    /// A session, also of somebody who has to change their password.
    AnySession(u16),
    Session(u16),
    /// Access in the tenant of the path.
    In(Access, u16),
}

/// The matrix: an operation without a row fails, and so does a row without an operation.
#[rustfmt::skip]
const ROWS: &[(&str, Needs)] = &[
    ("log_in", Needs::Nothing(200)),
    ("forgot_password", Needs::Nothing(202)),
    ("set_password", Needs::Nothing(410)),
    ("first_operator", Needs::Nothing(410)),
    ("me", Needs::AnySession(200)),
    ("log_out", Needs::AnySession(204)),
    ("change_password", Needs::AnySession(200)),
    ("log_out_everywhere", Needs::Session(204)),
    ("my_sessions", Needs::Session(200)),
    ("end_my_session", Needs::Session(204)),
    ("my_keys", Needs::Session(200)),
    ("make_key", Needs::Session(201)),
    ("rotate_key", Needs::Session(201)),
    ("revoke_key", Needs::Session(204)),
    ("people", Needs::In(Access::Viewer, 200)),
    ("person", Needs::In(Access::Viewer, 200)),
    ("add_person", Needs::In(Access::Admin, 201)),
    ("change_person", Needs::In(Access::Admin, 200)),
    ("remove_person", Needs::In(Access::Admin, 204)),
    ("give_link", Needs::In(Access::Admin, 200)),
    ("log_person_out", Needs::In(Access::Admin, 204)),
    ("tenant_keys", Needs::In(Access::Viewer, 200)),
    ("revoke_tenant_key", Needs::In(Access::Admin, 204)),
];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Nobody,
    Key,
    /// Somebody of `t1` with this access.
    Of(Access),
    /// Somebody who runs the service.
    Operator(Access),
    /// Somebody of `t1`, an administrator, whose password somebody else chose.
    MustChange,
}

const EVERYBODY: [Who; 9] = [
    Who::Nobody,
    Who::Key,
    Who::Of(Access::User),
    Who::Of(Access::Viewer),
    Who::Of(Access::Admin),
    Who::Operator(Access::Viewer),
    Who::Operator(Access::Admin),
    Who::Operator(Access::SuperAdmin),
    Who::MustChange,
];

const TENANTS: [&str; 5] = ["t1", "t2", "gone", "never", "_operators"];

impl Needs {
    /// What has to come of it.
    fn expected(self, who: Who, tenant: &str) -> u16 {
        let (needs, done) = match (self, who) {
            (Self::Nothing(done), _) => return done,
            (_, Who::Nobody) => return 401,
            (_, Who::Key) => return 403,
            (Self::AnySession(done), _) => return done,
            (_, Who::MustChange) => return 403,
            (Self::Session(done), _) => return done,
            (Self::In(needs, done), _) => (needs, done),
        };
        match who {
            Who::Of(_) if tenant != "t1" => 404,
            Who::Of(access) | Who::Operator(access) if access < needs => 403,
            _ if matches!(tenant, "gone" | "never") => 404,
            _ => done,
        }
    }
}

/// Who asks, and what they can act on.
struct Scene<'a> {
    stand: &'a Stand,
    root: &'a Somebody,
    number: std::cell::Cell<u32>,
}

impl Scene<'_> {
    fn next(&self) -> u32 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    /// A fresh one, because some operations use them up. `None` for nobody.
    async fn caller(&self, who: Who) -> Option<(Somebody, String)> {
        let name = format!("caller{}", self.next());
        let (tenant, access) = match who {
            Who::Nobody => return None,
            Who::Key => ("t1", Access::User),
            Who::Of(access) => ("t1", access),
            Who::Operator(access) => ("_operators", access),
            Who::MustChange => {
                let body = json!({"login_name": name, "name": "N", "access": "admin", "password": PASSWORD});
                self.stand.ask(self.root, Method::POST, "/admin/tenants/t1/people", &body, 201).await;
                let body = json!({"login_name": name, "password": PASSWORD});
                let opened = self.stand.send(Ask::post("/auth/login").json(&body)).await.body;
                assert_eq!(opened["must_change_password"], true);
                let somebody = Somebody::of(&opened);
                return Some((somebody.clone(), somebody.token));
            }
        };
        let somebody = self.stand.somebody(self.root, tenant, &name, access.as_str()).await;
        let shown = match who {
            Who::Key => self.stand.key(&somebody).await["key"].as_str().unwrap().to_owned(),
            _ => somebody.token.clone(),
        };
        Some((somebody, shown))
    }

    /// Somebody of a tenant to act on, and a key of theirs. In tenants that are not there nobody is.
    async fn victim(&self, tenant: &str) -> (String, String) {
        if matches!(tenant, "gone" | "never") {
            return (UserId::random().to_string(), uuid());
        }
        let victim = self.stand.somebody(self.root, tenant, &format!("victim{}", self.next()), "user").await;
        let key = self.stand.key(&victim).await;
        (victim.id, key["id"].as_str().unwrap().to_owned())
    }

    /// The session of a caller, and a key of theirs.
    async fn own(&self, somebody: &Somebody) -> (String, String) {
        let user = somebody.id.parse().unwrap();
        let sessions = self.stand.store.sessions(&somebody.tenant(), &user, chrono::Utc::now()).await.unwrap();
        let session = sessions[0].id.to_string();
        let made = self.stand.send(Ask::post("/auth/keys").bearer(&somebody.token).json(&json!({"name": "k"}))).await;
        (session, made.body["id"].as_str().map_or_else(uuid, str::to_owned))
    }

    fn body(&self, operation: &str) -> Value {
        match operation {
            "log_in" => json!({"tenant": "_operators", "login_name": "root", "password": PASSWORD}),
            "forgot_password" => json!({"login_name": "caller1"}),
            "set_password" => json!({"token": "A".repeat(43), "new_password": OTHER}),
            "first_operator" => json!({"token": "A".repeat(43), "login_name": "r", "name": "R", "password": OTHER}),
            "change_password" => json!({"current_password": PASSWORD, "new_password": OTHER}),
            "make_key" => json!({"name": "k"}),
            "rotate_key" | "give_link" => json!({}),
            "add_person" => json!({"login_name": format!("added{}", self.next()), "name": "N"}),
            "change_person" => json!({"name": "Changed"}),
            _ => Value::Null,
        }
    }
}

fn uuid() -> String {
    let hex = UserId::random().to_string();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[tokio::test]
async fn everybody_may_do_what_the_matrix_says_and_nothing_else() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let scene = Scene { stand: &stand, root: &root, number: 0.into() };
    let (api, operations) = (stand.description().await, stand.operations().await);
    let rows: BTreeMap<&str, Needs> = ROWS.iter().copied().collect();
    let described: BTreeSet<&str> = operations.keys().map(String::as_str).collect();
    assert_eq!(described, rows.keys().copied().collect(), "operations and rows");
    let mut wrong = Vec::new();
    let mut victims = BTreeMap::new();
    let mut refused = BTreeMap::new();
    let (mut cases, mut answers) = (0, BTreeMap::new());
    for (operation, (method, pattern, _)) in &operations {
        let in_tenant = pattern.contains("{tenant_id}");
        // What uses nobody up can be tried by the same ones again.
        let mut callers = BTreeMap::new();
        for who in EVERYBODY {
            for tenant in TENANTS.iter().copied().take(if in_tenant { TENANTS.len() } else { 1 }) {
                let caller = match callers.get(&who).filter(|_| in_tenant) {
                    Some(caller) => Option::clone(caller),
                    None => scene.caller(who).await,
                };
                callers.insert(who, caller.clone());
                let (victim, key) = match victims.remove(tenant).filter(|_| in_tenant) {
                    Some(victim) => victim,
                    None if in_tenant => scene.victim(tenant).await,
                    None => Default::default(),
                };
                let (session, own_key) = match &caller {
                    Some((somebody, _)) if !in_tenant => scene.own(somebody).await,
                    _ => (uuid(), uuid()),
                };
                let id = if in_tenant {
                    &key
                } else if pattern.contains("sessions") {
                    &session
                } else {
                    &own_key
                };
                let path = pattern.replace("{tenant_id}", tenant).replace("{user_id}", &victim).replace("{id}", id);
                cases += 1;
                let request = format!("case-{cases}");
                let address = [10, 9, u8::try_from(cases / 250).unwrap(), u8::try_from(cases % 250).unwrap()];
                let mut ask = Ask::new(method.clone(), &path).json(&scene.body(operation)).from(address);
                ask = ask.header("x-request-id", &request);
                if let Some((_, shown)) = &caller {
                    ask = ask.bearer(shown);
                }
                let before = scene.state(tenant, &victim).await;
                let answer = stand.send(ask).await;
                let expected = rows[operation.as_str()].expected(who, tenant);
                if answer.status != expected {
                    wrong.push(format!(
                        "{operation} {who:?} {tenant}: {} not {expected}: {}",
                        answer.status, answer.body
                    ));
                }
                let described = &api["paths"][pattern][method.as_str().to_lowercase()]["responses"];
                if described[answer.status.to_string()].is_null() {
                    wrong.push(format!("{operation} answers {}, which is described nowhere", answer.status));
                }
                if answer.status >= 400 {
                    if in_tenant {
                        victims.insert(tenant, (victim.clone(), key.clone()));
                    }
                    assert!(
                        scene.state(tenant, &victim).await == before,
                        "{operation} {who:?} {tenant} changed something"
                    );
                    refused.insert(request, (operation.clone(), format!("{operation} {who:?} {tenant}"), who, caller));
                    let mut body = answer.body;
                    body["request_id"].take();
                    answers.insert((operation, format!("{who:?}"), tenant), (answer.status, body));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // Who cannot see a tenant does not learn whether it is there.
    for ((operation, who, tenant), answer) in &answers {
        if who.starts_with("Of") && *tenant != "t1" {
            assert_eq!(*answer, answers[&(*operation, who.clone(), "never")], "{operation} {who} {tenant}");
        }
    }
    for entry in stand.trail().await {
        let Some(request) = entry.event.request_id.as_ref().map(ToString::to_string) else { continue };
        let told = refused.get(&request).is_some_and(|(operation, _, who, caller)| {
            let actor = entry.event.actor.id.as_ref().map(ToString::to_string);
            // What needs nothing does not ask who is there.
            let open = matches!(rows[operation.as_str()], Needs::Nothing(_));
            let right = match (who, caller) {
                (Who::Nobody, _) | (_, None) => actor.is_none(),
                (Who::Key, _) => open || actor.is_some(),
                (_, Some((somebody, _))) => actor.map_or(open, |actor| actor == somebody.id),
            };
            entry.event.outcome == Outcome::Refused && right
        });
        if told {
            refused.remove(&request);
        }
    }
    let untold: Vec<_> = refused.into_values().map(|(_, case, ..)| case).collect();
    assert_eq!(untold, Vec::<String>::new(), "refusals that the trail does not tell of");
    assert!(cases > 500, "{cases}");
}

impl Scene<'_> {
    /// What somebody else must not change.
    async fn state(&self, tenant: &str, victim: &str) -> String {
        let (Ok(tenant), Ok(user)) = (mt_paas_core::TenantId::of_console(tenant), victim.parse()) else {
            return String::new();
        };
        let store = &self.stand.store;
        let account = store.account_of(&tenant, &user).await.unwrap();
        let sessions = store.sessions(&tenant, &user, chrono::Utc::now()).await.unwrap();
        let keys = store.keys(&tenant, Some(&user), None, 10).await.unwrap();
        format!("{account:?} {sessions:?} {keys:?}")
    }
}

/// What is of somebody else, in one's own tenant or in another, is as absent as what never was.
#[tokio::test]
async fn a_foreign_thing_and_an_absent_one_are_answered_alike() {
    let stand = Stand::new().await;
    let root = stand.operator().await;
    let scene = Scene { stand: &stand, root: &root, number: 0.into() };
    let admin = stand.somebody(&root, "t1", "admin", "admin").await;
    let user = stand.somebody(&root, "t1", "user", "user").await;
    let other = stand.somebody(&root, "t1", "other", "user").await;
    let (session, key) = scene.own(&other).await;
    let mut asked = 0;
    for (operation, (method, pattern, _)) in stand.operations().await {
        let (victim, victims_key) = scene.victim("t2").await;
        let (who, foreign) = match () {
            () if pattern.contains("{user_id}") => (&admin, vec![victim]),
            () if pattern.contains("/admin/") && pattern.contains("{id}") => (&admin, vec![victims_key]),
            () if pattern.contains("sessions/{id}") => (&user, vec![session.clone()]),
            () if pattern.contains("{id}") => (&user, vec![key.clone(), victims_key]),
            () => continue,
        };
        let send = async |id: &str| {
            let path = pattern.replace("{tenant_id}", "t1").replace("{user_id}", id).replace("{id}", id);
            let ask = Ask::new(method.clone(), &path).bearer(&who.token).json(&scene.body(&operation));
            let mut answer = stand.send(ask).await;
            answer.body["request_id"].take();
            (answer.status, answer.body)
        };
        let absent = send(&if pattern.contains("{user_id}") { UserId::random().to_string() } else { uuid() }).await;
        assert_eq!(absent.0, 404, "{operation}: {}", absent.1);
        for foreign in foreign {
            assert_eq!(send(&foreign).await, absent, "{operation}");
            asked += 1;
        }
    }
    assert!(asked >= 9, "{asked}");
}
