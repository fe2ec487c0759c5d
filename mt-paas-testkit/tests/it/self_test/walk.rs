//! A short walk through the plain service, before the tester is trusted with it.

use serde_json::{Value, json};

use super::{KEY, Phase, spawn, spawn_in};

#[tokio::test]
async fn a_tenant_lives_and_ends() {
    let service = spawn(None).await;
    let mt = |path: &str| format!("{}/mt/tenant/walk-1{path}", service.url);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = |method: &str, url: String, body: Option<Value>| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = http.request(method, url).header("x-market-api-key", KEY);
        let request = body.into_iter().fold(request, |request, body| request.json(&body));
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
        }
    };
    let order = json!({
        "tenant_id": "walk-1", "tenant_name": "한림대학교", "plan": "premium", "features": ["rag"],
        "contact": {"email": "ops@example.org", "name": "Ops"},
    });
    assert_eq!(call("GET", mt("/status"), None).await.0, 404);
    assert_eq!(call("POST", mt("/activate"), Some(order.clone())).await.0, 200);
    assert_eq!(call("POST", mt("/activate"), Some(order)).await.0, 200);
    let (_, before) = call("GET", mt("/stats?period=30d"), None).await;
    assert!(before["summary"]["total_tokens"].as_u64() > Some(0), "{before}");
    let user = json!({"email": "a@example.org", "name": "A"});
    let (status, made) = call("POST", mt("/users"), Some(user.clone())).await;
    assert_eq!((status, &made["temporary_password"]), (201, &json!(true)), "{made}");
    assert_eq!(call("POST", mt("/users"), Some(user)).await.0, 409);
    let (_, after) = call("GET", mt("/stats"), None).await;
    let heads = |stats: &Value| stats["summary"]["total_users"].as_u64().unwrap();
    assert_eq!(heads(&after), heads(&before) + 1);
    let one = mt(&format!("/users/{}", made["user_id"].as_str().unwrap()));
    assert_eq!(call("DELETE", one.clone(), None).await, (204, Value::Null));
    assert_eq!(call("DELETE", one, None).await.0, 404);
    let (status, costs) = call("GET", mt("/stats/costs?period=90d"), None).await;
    assert_eq!((status, costs["by_model"].as_array().map(Vec::len)), (200, Some(2)), "{costs}");
    assert_eq!(call("GET", mt("/stats?period=banana"), None).await.0, 422);
    assert_eq!(call("POST", mt("/deactivate"), Some(json!({"reason": "admin_request"}))).await.0, 200);
    let (status, refusal) = call("GET", mt("/users"), None).await;
    assert_eq!((status, &refusal["error"]), (403, &json!("TENANT_INACTIVE")));
}

#[tokio::test]
async fn removed_paths_name_their_successor_to_those_with_a_key() {
    let service = spawn_in(Phase::Removed, None).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/tenant/stats/walk-2", service.url);
    assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
    let gone = http.get(&url).header("x-api-key", &service.second_key).send().await.unwrap();
    assert_eq!(gone.status(), 410);
    let link = gone.headers()["link"].to_str().unwrap();
    assert_eq!(link, "</mt/tenant/walk-2/stats>; rel=\"successor-version\"");
}
