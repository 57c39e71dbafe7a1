use async_graphql::{PathSegment, Response, ServerError, Variables};
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::transport::{
    gate::Gate,
    parameters::Parameters,
    settings::Limits,
    testing::{Counter, schema},
};

fn gate() -> Gate {
    Gate::try_new(&schema(Counter::default()).sdl(), Limits::default()).unwrap()
}

/// The data of what the real executor answers, completed.
async fn completed(query: &str) -> Json {
    data(query).await.into_json().unwrap()
}

async fn data(query: &str) -> Value {
    let schema = schema(Counter::default());
    let parameters =
        Parameters { query: query.to_owned(), operation_name: None, variables: Map::new() };
    let prepared = gate().admit(&parameters).unwrap();
    let request = async_graphql::Request::new(prepared.text.clone());
    let mut response = schema.execute(request.variables(Variables::default())).await;
    assert!(!response.errors.is_empty(), "nothing failed");
    complete(&mut response, &prepared);
    response.data
}

#[tokio::test]
async fn a_nullable_field_that_fails_is_null() {
    assert_eq!(
        completed("{ must { ok maybe } }").await,
        json!({"must": {"ok": "ok", "maybe": null}})
    );
}

#[tokio::test]
async fn a_field_that_must_not_be_null_takes_its_object_with_it() {
    assert_eq!(completed("{ node { ok fail } }").await, json!({"node": null}));
    assert_eq!(
        completed("{ must { maybeNode { fail ok } } }").await,
        json!({"must": {"maybeNode": null}})
    );
}

#[tokio::test]
async fn it_takes_all_ancestors_that_must_not_be_null() {
    assert_eq!(completed("{ hello must { node { fail } } }").await, Json::Null);
    assert_eq!(
        completed("{ hello node { node { node { fail } } } }").await,
        json!({"hello": "hello world", "node": null})
    );
}

#[tokio::test]
async fn an_object_all_of_whose_fields_failed_is_not_null() {
    assert_eq!(completed("{ must { maybe } }").await, json!({"must": {"maybe": null}}));
    assert_eq!(
        completed("{ must { a: maybe b: maybe } }").await,
        json!({"must": {"a": null, "b": null}})
    );
    assert_eq!(
        completed("{ node { node { maybe } } }").await,
        json!({"node": {"node": {"maybe": null}}})
    );
}

#[tokio::test]
async fn lists_lose_an_item_or_themselves() {
    assert_eq!(
        completed("{ must { maybeNodes { ok fail } } }").await,
        json!({"must": {"maybeNodes": [null, null, null]}})
    );
    assert_eq!(
        completed("{ must { nodes { ok maybe } } }").await,
        json!({"must": {"nodes": [{"ok": "ok", "maybe": null}, {"ok": "ok", "maybe": null}]}})
    );
    assert_eq!(completed("{ node { ok nodes { ok fail } } }").await, json!({"node": null}));
    assert_eq!(
        completed("{ must { nodes { maybe } } }").await,
        json!({"must": {"nodes": [{"maybe": null}, {"maybe": null}]}})
    );
}

#[tokio::test]
async fn fragments_and_aliases_are_seen_through() {
    assert_eq!(
        completed("{ x: must { ...f } } fragment f on Node { ... on Node { y: maybe } ok }").await,
        json!({"x": {"y": null, "ok": "ok"}})
    );
}

#[tokio::test]
async fn fields_keep_the_order_in_which_they_were_asked_for() {
    let data = data("{ must { a: maybe b: ok c: maybe d: ok } }").await;
    assert_eq!(
        serde_json::to_string(&data).unwrap(),
        r#"{"must":{"a":null,"b":"ok","c":null,"d":"ok"}}"#
    );
}

/// Whatever the order in which two failures are told, the greater hole swallows the smaller.
#[test]
fn the_order_of_errors_does_not_matter() {
    let query = "{ node { maybe fail } must { ok maybe } }".to_owned();
    let parameters = Parameters { query, operation_name: None, variables: Map::new() };
    let prepared = gate().admit(&parameters).unwrap();
    let path = |keys: &[&str]| keys.iter().map(|it| PathSegment::Field((*it).to_owned())).collect();
    let error = |keys: &[&str]| ServerError::new("planned", None).with_path(path(keys));
    let errors = [error(&["node", "maybe"]), error(&["node", "fail"]), error(&["must", "maybe"])];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let data = Value::from_json(json!({"node": null, "must": {"ok": "ok"}})).unwrap();
        let mut response = Response::new(data);
        response.errors = order.iter().map(|n| errors[*n].clone()).collect();
        complete(&mut response, &prepared);
        assert_eq!(
            serde_json::to_string(&response.data).unwrap(),
            r#"{"node":null,"must":{"ok":"ok","maybe":null}}"#
        );
    }
}
