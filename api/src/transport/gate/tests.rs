use serde_json::{Value, json};

use super::*;
use crate::transport::testing::{Counter, schema};

fn gate(limits: Limits) -> Gate {
    Gate::try_new(&schema(Counter::default()).sdl(), limits).unwrap()
}

fn admit(query: &str, variables: Value) -> Checked {
    let Value::Object(variables) = variables else { panic!("variables are an object") };
    let parameters = Parameters { query: query.to_owned(), operation_name: None, variables };
    gate(Limits::default()).admit(&parameters)
}

fn repeated(times: usize, part: impl Fn(usize) -> String) -> String {
    (0..times).map(part).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn refused(query: &str, variables: Value, code: Code, words: &str) {
    let Err(faults) = admit(query, variables) else { panic!("admitted: {query}") };
    let told = faults.to_json();
    assert_eq!(faults.code(), code, "{told}");
    assert!(told.contains(words), "{told}");
}

#[track_caller]
fn written(query: &str, text: &str) {
    match admit(query, json!({})) {
        Ok(prepared) => assert_eq!(prepared.text.trim(), text),
        Err(faults) => panic!("{faults:?}"),
    }
}

#[test]
fn a_text_that_is_no_document_is_told_with_its_place() {
    let Err(faults) = admit("{\n  hello(\n}", json!({})) else { panic!("admitted") };
    let told = serde_json::to_value(&faults).unwrap();
    assert_eq!(faults.code(), Code::GraphqlParseFailed);
    assert_eq!(told[0]["locations"][0]["line"], 3);
}

#[test]
fn a_document_against_the_schema_is_refused() {
    let code = Code::GraphqlValidationFailed;
    refused("{ nothing }", json!({}), code, "nothing");
    refused("{ hello(name: 1) }", json!({}), code, "String");
    refused("{ node }", json!({}), code, "selection");
    refused("query($unused: Int) { hello }", json!({}), code, "unused");
    refused("{ ...missing }", json!({}), code, "missing");
    refused("{ hello hello: viewer }", json!({}), code, "hello");
}

#[test]
fn an_input_field_is_given_once() {
    let twice = r#"mutation { add(input: {name: "a", name: "b"}) { name } }"#;
    refused(twice, json!({}), Code::GraphqlValidationFailed, "`name` is given more than once");
    let in_a_fragment = r#"mutation { ...m } fragment m on Mutation {
        add(input: {name: "a", name: "b"}) { name } }"#;
    refused(in_a_fragment, json!({}), Code::GraphqlValidationFailed, "more than once");
}

#[test]
fn a_subscription_has_one_root_field() {
    let code = Code::GraphqlValidationFailed;
    refused("subscription { count(to: 1) refuses }", json!({}), code, "one root field");
    refused("subscription { __typename }", json!({}), code, "introspection");
    let conditional = "subscription($yes: Boolean!) { count(to: 1) @include(if: $yes) }";
    refused(conditional, json!({"yes": true}), code, "root fields");
}

#[test]
fn variables_are_coerced_before_anything_runs() {
    let add = "mutation($input: AddInput!) { add(input: $input) { name } }";
    let code = Code::BadUserInput;
    refused(add, json!({}), code, "input");
    refused(add, json!({"input": null}), code, "input");
    refused(add, json!({"input": {"name": 1}}), code, "name");
    refused(add, json!({"input": {"name": "a", "more": 1}}), code, "more");
    assert!(admit(add, json!({"input": {"name": "a"}})).is_ok());
}

#[test]
fn an_operation_is_named_when_there_are_several() {
    let both = "query a { hello } query b { viewer }";
    refused(both, json!({}), Code::OperationResolutionFailure, "operationName");
    let gate = gate(Limits::default());
    let named = |name: &str| Parameters {
        query: both.to_owned(),
        operation_name: Some(name.to_owned()),
        variables: Map::new(),
    };
    assert_eq!(gate.admit(&named("b")).map(|it| it.text.clone()).unwrap(), "query b { viewer }");
    assert_eq!(gate.admit(&named("a")).map(|it| it.text.clone()).unwrap(), "query a { hello }");
    assert!(gate.admit(&named("c")).is_err());
}

#[test]
fn each_limit_is_held() {
    let code = Code::QueryTooExpensive;
    let deep = format!("{{ must {} ok {} }}", "{ node ".repeat(14) + "{", "}".repeat(15));
    refused(&deep, json!({}), code, "levels of fields");
    let aliases = repeated(51, |n| format!("a{n}: hello "));
    refused(&format!("{{ {aliases} }}"), json!({}), code, "aliases");
    refused(&format!("{{ {} }}", "hello ".repeat(4_000)), json!({}), code, "tokens");
    let lists = "{ __schema { types { fields { type { fields { type { fields { name }}}}}}}}";
    refused(lists, json!({}), code, "introspection");
    let nested = format!("{{ hello(name: {}1{}) }}", "[".repeat(500), "]".repeat(500));
    refused(&nested, json!({}), code, "nested too deep");
}

#[test]
fn directives_on_one_field_are_limited() {
    let limits = Limits { directives: 1, ..Limits::default() };
    let query = "{ hello @include(if: true) @skip(if: false) }".to_owned();
    let parameters = Parameters { query, operation_name: None, variables: Map::new() };
    let Err(faults) = gate(limits).admit(&parameters) else { panic!("admitted") };
    assert_eq!(faults.code(), Code::QueryTooExpensive);
}

/// Two kilobytes that would run to a million million fields.
#[test]
fn fragments_that_spread_fragments_are_counted_as_often_as_they_run() {
    let fragments = repeated(40, |n| {
        let m = n + 1;
        format!("fragment f{n} on Node {{ a: node {{ ...f{m} }} b: node {{ ...f{m} }} }}")
    });
    let bomb = format!("{{ must {{ ...f0 }} }} {fragments} fragment f40 on Node {{ ok }}");
    let started = std::time::Instant::now();
    refused(&bomb, json!({}), Code::QueryTooExpensive, "limit");
    assert!(started.elapsed().as_secs() < 5, "took {:?}", started.elapsed());

    let flat = repeated(40, |n| {
        let m = n + 1;
        format!("fragment f{n} on Node {{ ...f{m} ok ... on Node {{ ...f{m} }} }}")
    });
    let bomb = format!("{{ must {{ ...f0 }} }} {flat} fragment f40 on Node {{ ok }}");
    refused(&bomb, json!({}), Code::QueryTooExpensive, "fields");
}

#[test]
fn an_operation_is_written_alone_and_plainly() {
    written(
        r#""about it" query named("why" $n: String = "x") { hello(name: $n) }"#,
        r#"query named($n: String = "x") { hello(name: $n) }"#,
    );
    written(r#"{ hello(name: "\u{1F600}") }"#, r#"{ hello(name: "😀") }"#);
    written(
        "{ must { ...a } } fragment a on Node { ...b } fragment b on Node { ok }",
        "{ must { ...a } } fragment a on Node { ...b } fragment b on Node { ok }",
    );
}

#[test]
fn fragments_at_the_root_of_a_subscription_are_dissolved() {
    written(
        "subscription { ... on Subscriptions { ...s } }
         fragment s on Subscriptions { nodes { ...n } } fragment n on Node { ok }",
        "subscription { nodes { ...n } } fragment n on Node { ok }",
    );
}

#[test]
fn a_question_about_the_schema_is_known_wherever_it_hides() {
    let asks = |query: &str| admit(query, json!({})).map(|it| it.introspects).unwrap();
    assert!(asks("{ __schema { queryType { name } } }"));
    assert!(asks("{ ...f } fragment f on Query { x: __type(name: \"Node\") { name } }"));
    assert!(!asks("{ __typename hello }"));
}

#[test]
fn what_was_checked_is_remembered_within_bounds() {
    let gate = gate(Limits { cache_bytes: 20_000, ..Limits::default() });
    for n in 0..500 {
        let query = format!("{{ a{n}: hello }}");
        let parameters = Parameters { query, operation_name: None, variables: Map::new() };
        let first = gate.admit(&parameters).unwrap();
        let again = gate.admit(&parameters).unwrap();
        assert_eq!(first.text, again.text);
    }
    gate.checked.run_pending_tasks();
    assert!(gate.checked.weighted_size() <= 20_000, "{} bytes", gate.checked.weighted_size());
    assert!(gate.checked.entry_count() > 0);
}

/// What is remembered of a refusal must not grow with what was refused.
#[test]
fn a_long_name_is_told_in_short() {
    let Err(faults) = admit(&format!("{{ {} }}", "x".repeat(100_000)), json!({})) else {
        panic!("admitted")
    };
    assert!(faults.to_json().len() < 1_000, "{} bytes", faults.to_json().len());
}

#[test]
fn comments_are_not_remembered() {
    let query = format!("{{ hello }} #{}", "x".repeat(100_000));
    let prepared = admit(&query, json!({})).unwrap();
    assert!(prepared.document.sources.is_empty());
}

#[test]
fn a_schema_that_is_no_schema_is_refused() {
    assert!(Gate::try_new("type Query { a: Missing }", Limits::default()).is_err());
}
