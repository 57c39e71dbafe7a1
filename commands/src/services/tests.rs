//! What may be declared of a service, and what a schema lets through.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

fn declared(declaration: Value) -> Declaration {
    serde_json::from_value(declaration).unwrap()
}

fn services(declarations: impl IntoIterator<Item = Value>) -> Result<Services, BadDeclaration> {
    Services::try_new(declarations.into_iter().map(declared))
}

#[test]
fn a_bad_declaration_is_refused_by_service_field_and_rule() {
    #[track_caller]
    fn check(declaration: Value, expected: &Expect) {
        expected.assert_eq(&services([declaration]).unwrap_err().to_string());
    }
    check(
        json!({ "name": "Check Sum" }),
        &expect![
            "service `Check Sum`: name: a service name is 1 to 63 lower-case letters, digits, `.`, `_` or `-`, starting with a letter or a digit"
        ],
    );
    check(json!({ "name": "crawl" }), &expect!["service `crawl`: name: not one that is built in"]);
    check(
        json!({ "name": "a", "attempts_max": 0 }),
        &expect!["service `a`: attempts_max: at least 1"],
    );
    check(
        json!({ "name": "a", "lease_s": 0.5 }),
        &expect!["service `a`: lease_s: between 1000 and 86400000 milliseconds"],
    );
    check(
        json!({ "name": "a", "expiry_s": -1.0 }),
        &expect!["service `a`: expiry_s: between 0.001 and a year, in seconds"],
    );
    check(
        json!({ "name": "a", "backoff_max_s": 1e30 }),
        &expect!["service `a`: backoff_max_s: between 0.001 and a year, in seconds"],
    );
    check(
        json!({ "name": "a", "schema": { "type": "strin" } }),
        &expect![[
            r#"service `a`: schema: "strin" is not valid under any of the schemas listed in the 'anyOf' keyword"#
        ]],
    );
}

#[test]
fn a_service_is_declared_once() {
    let error = services([json!({ "name": "a" }), json!({ "name": "a" })]).unwrap_err();
    expect!["service `a`: name: not declared twice"].assert_eq(&error.to_string());
}

#[test]
fn a_field_that_nobody_knows_is_not_overlooked() {
    let misspelt = serde_json::from_value::<Declaration>(json!({ "name": "a", "leases": 60 }));
    assert!(misspelt.unwrap_err().to_string().contains("unknown field `leases`"));
}

#[test]
fn what_is_not_declared_is_as_usual() {
    let services = services([
        json!({ "name": "usual" }),
        json!({ "name": "own", "attempts_max": 9, "lease_s": 1.5, "run_timeout_s": 60,
                "expiry_s": 3_600 }),
    ]);
    let services = services.unwrap();
    let [own, usual] = [0, 1].map(|it| &services.iter().nth(it).unwrap().service);
    assert_eq!(usual.policy, Policy::default());
    assert_eq!(services.expiry(&usual.name), Duration::days(7));
    let policy = Policy {
        attempts_max: 9,
        lease_ms: 1_500,
        run_timeout_ms: Some(60_000),
        ..Policy::default()
    };
    assert_eq!(own.policy, policy);
    assert_eq!(services.expiry(&own.name), Duration::hours(1));
    assert_eq!(services.expiry(&ServiceName::crawl()), Duration::days(7));
}

#[test]
fn a_body_that_breaks_the_schema_is_refused_with_its_path_and_rule() {
    let schema = json!({
        "type": "object",
        "required": ["folder"],
        "properties": {
            "folder": { "type": "string", "minLength": 1 },
            "pages": { "type": "array", "items": { "type": "integer" } },
        },
        "additionalProperties": false,
    });
    let services = services([json!({ "name": "a", "schema": schema })]).unwrap();
    let check = |body: Value, expected: &Expect| {
        let refusal = services.find("a").unwrap().check(&body).unwrap_err();
        assert_eq!(refusal.code(), "INVALID");
        expected.assert_eq(&refusal.to_string());
    };
    services.find("a").unwrap().check(&json!({ "folder": "in", "pages": [1] })).unwrap();
    check(json!({}), &expect![[r#"body: "folder" is a required property"#]]);
    check(json!([]), &expect![[r#"body: it is not of type "object""#]]);
    check(
        json!({ "folder": "in", "pages": [1, "two"] }),
        &expect![[r#"body/pages/1: it is not of type "integer""#]],
    );
    check(
        json!({ "folder": "in", "file": "x" }),
        &expect!["body: Additional properties are not allowed ('file' was unexpected)"],
    );
}

/// What is refused is told to the sender and to the log: it must not grow with
/// what was sent.
#[test]
fn a_refusal_does_not_repeat_a_large_body() {
    let schema = json!({ "additionalProperties": { "type": "integer" }, "maxProperties": 1 });
    let services = services([
        json!({ "name": "a", "schema": schema }),
        json!({ "name": "b", "schema": { "additionalProperties": false } }),
    ]);
    let services = services.unwrap();
    let long = "é".repeat(100_000);
    for service in ["a", "b"] {
        for body in [json!({ "x": long }), json!({ &long: "x" })] {
            let refusal = services.find(service).unwrap().check(&body).unwrap_err();
            assert!(refusal.to_string().len() < 4_096, "{refusal}");
        }
    }
}

#[test]
fn a_service_that_nobody_declared_is_refused_by_name() {
    let refusal = Services::default().find("checksum").unwrap_err();
    assert_eq!(refusal, Refusal::UnknownService { name: "checksum".to_owned() });
    assert_eq!(refusal.field(), Some("service"));
}
