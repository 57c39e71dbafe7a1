use async_graphql::{PathSegment, Response, ServerError, Variables};
use futures::executor::block_on;
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::transport::{
    gate::Gate,
    parameters::Parameters,
    settings::Limits,
    testing::{Counter, schema},
};

fn gate() -> Gate {
    let limits = Limits { aliases: 1_000, ..Limits::default() };
    Gate::try_new(&schema(Counter::default()).sdl(), limits).unwrap()
}

/// A selection on `Node`, whose fields fail as their names say.
#[derive(Clone, Debug)]
enum Pick {
    Ok,
    Fail,
    Maybe,
    Node(Vec<Pick>),
    MaybeNode(Vec<Pick>),
    Nodes(Vec<Pick>),
    MaybeNodes(Vec<Pick>),
}

fn picks() -> impl Strategy<Value = Vec<Pick>> {
    let leaf = prop_oneof![4 => Just(Pick::Ok), 1 => Just(Pick::Fail), 3 => Just(Pick::Maybe)];
    let pick = leaf.prop_recursive(4, 24, 3, |inner| {
        let inner = vec(inner, 1..4);
        prop_oneof![
            inner.clone().prop_map(Pick::Node),
            inner.clone().prop_map(Pick::MaybeNode),
            inner.clone().prop_map(Pick::Nodes),
            inner.prop_map(Pick::MaybeNodes),
        ]
    });
    vec(pick, 1..4)
}

fn text(picks: &[Pick]) -> String {
    let fields = picks.iter().enumerate().map(|(n, pick)| match pick {
        Pick::Ok => format!("f{n}: ok"),
        Pick::Fail => format!("f{n}: fail"),
        Pick::Maybe => format!("f{n}: maybe"),
        Pick::Node(inner) => format!("f{n}: node {}", text(inner)),
        Pick::MaybeNode(inner) => format!("f{n}: maybeNode {}", text(inner)),
        Pick::Nodes(inner) => format!("f{n}: nodes {}", text(inner)),
        Pick::MaybeNodes(inner) => format!("f{n}: maybeNodes {}", text(inner)),
    });
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "))
}

/// What the specification says comes out, or `None` if its place becomes null.
fn expected(picks: &[Pick]) -> Option<Json> {
    let fields = picks.iter().enumerate().map(|(n, pick)| {
        let value = match pick {
            Pick::Ok => json!("ok"),
            Pick::Fail => return None,
            Pick::Maybe => Json::Null,
            Pick::Node(inner) => expected(inner)?,
            Pick::MaybeNode(inner) => expected(inner).unwrap_or_default(),
            Pick::Nodes(inner) => json!([expected(inner)?, expected(inner)?]),
            Pick::MaybeNodes(inner) => {
                let item = expected(inner).unwrap_or_default();
                json!([item, null, item])
            }
        };
        Some((format!("f{n}"), value))
    });
    fields.collect::<Option<Map<String, Json>>>().map(Json::Object)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_fails_the_nulls_are_where_the_specification_wants_them(picks in picks()) {
        let query = format!("{{ node {} }}", text(&picks));
        let data = block_on(answered(&query)).data.into_json().unwrap();
        prop_assert_eq!(data, json!({"node": expected(&picks).unwrap_or_default()}), "{}", query);
    }
}

/// The data of what the real executor answers, completed.
async fn completed(query: &str) -> Json {
    data(query).await.into_json().unwrap()
}

async fn data(query: &str) -> Value {
    let response = answered(query).await;
    assert!(!response.errors.is_empty(), "nothing failed");
    response.data
}

async fn answered(query: &str) -> Response {
    let schema = schema(Counter::default());
    let parameters =
        Parameters { query: query.to_owned(), operation_name: None, variables: Map::new() };
    let prepared = gate().admit(&parameters).unwrap();
    let request = async_graphql::Request::new(prepared.text.clone());
    let mut response = schema.execute(request.variables(Variables::default())).await;
    complete(&mut response, &prepared);
    response
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
