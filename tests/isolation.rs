//! Two people on one system: neither sees nor touches anything of the other's,
//! whatever they ask for, over GraphQL, sockets, REST and files.
//!
//! Nothing is listed by hand: every field of the schema is asked for, with the
//! other's ids wherever an id fits, and so is every route.

mod belongings;
mod routes;
mod schema;
mod socket;
mod transfer;

use std::collections::BTreeMap;

use anyhow::ensure;
use serde_json::{Value, json};

use self::{belongings::Belongings, schema::Schema, socket::Socket};
use crate::world::World;

/// What a stranger may learn from an answer: nothing of what belongs to Ann.
fn nothing_of(ann: &Belongings, answer: &Value, asked: &str) -> anyhow::Result<()> {
    let text = answer.to_string();
    for mark in ann.marks.iter().chain(&ann.herself) {
        ensure!(!text.contains(mark), "{asked} tells a stranger {mark}: {text}");
    }
    for error in answer["errors"].as_array().into_iter().flatten() {
        let code = &error["extensions"]["code"];
        // What makes no sense is refused to everybody: that would tell nothing of strangers.
        let known = ["NOT_FOUND", "FORBIDDEN", "UNAUTHENTICATED"];
        ensure!(known.iter().any(|it| code == it), "{asked} breaks: {text}");
    }
    Ok(())
}

/// What a member is told nothing of their own by, and why.
const NOT_OWN: [(&str, &str); 10] = [
    ("apiClients", "is for admins"),
    ("events", "is for operators"),
    ("journal", "is the same for all"),
    ("links", "is numbers, see below"),
    ("registration", "is the same for all"),
    ("services", "is the same for all"),
    ("statistics", "is numbers, see below"),
    ("statistics by owner", "is numbers, see below"),
    ("users", "is for operators"),
    ("workers", "is for operators"),
];

/// What a member may not do with what is theirs by its id alone, and why.
const NOT_FOR_OWNERS: [(&str, &str); 10] = [
    ("changeApiClient", "is for admins"),
    ("changeApiClientQuotas", "is for admins"),
    ("changeRole", "is for admins"),
    ("disableApiClient", "is for admins"),
    ("disableUser", "is for admins"),
    ("enableUser", "is for admins"),
    ("rotateApiClientSecret", "is for admins"),
    ("transferJob", "wants somebody else's id too"),
    ("transferLand", "wants somebody else's id too"),
    ("transferOwnership", "is for admins"),
];

/// What is done to things last, because nothing can be done to them afterwards; and by her not at all
/// once her session is over.
const ENDINGS: [&str; 4] = ["cancel", "delete", "revokeApiToken", "revokeSession"];

/// Fails unless whose things they are is told of them by every operation of these, save those that
/// tell nobody but the operators. What even she is not told would be hidden from nobody.
fn all_but_not_own(told: &BTreeMap<String, bool>) -> anyhow::Result<()> {
    for (name, told) in told {
        let why = NOT_OWN.iter().find(|it| it.0 == name).map(|it| it.1);
        ensure!(*told || why.is_some(), "{name} does not tell Ann of anything of hers either");
        ensure!(!*told || why.is_none(), "{name} does tell Ann of hers, and is said not to");
    }
    Ok(())
}

/// What tells of something by numbers alone.
const NUMBERS: [&str; 2] = ["links", "statistics"];

/// All the numbers in an answer, together.
fn counted(answer: &Value) -> f64 {
    match answer {
        Value::Number(it) => it.as_f64().unwrap_or_default(),
        Value::Array(them) => them.iter().map(counted).sum(),
        Value::Object(them) => them.values().map(counted).sum(),
        Value::Null | Value::Bool(_) | Value::String(_) => 0.0,
    }
}

#[tokio::test]
async fn whatever_a_stranger_asks_for_is_not_there() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let before = ann.everything().await?;
    let (schema, names) = (Schema::of(&ann.owner).await?, ann.names());
    let mut operations = Vec::new();
    for field in schema.fields("queryType")? {
        operations.extend(schema.operations("query", &field, &names));
    }
    let (mut told, mut anns) = (BTreeMap::new(), [0.0; NUMBERS.len()]);
    for it in &operations {
        let answer = ann.owner.answer(&it.query, it.variables.clone()).await?;
        *told.entry(it.name.clone()).or_default() |= ann.is_told_of(&answer["data"]);
        for (sum, name) in anns.iter_mut().zip(NUMBERS) {
            *sum += counted(&answer["data"][name]);
        }
    }
    all_but_not_own(&told)?;
    ensure!(anns.iter().all(|it| 0.0 < *it), "of Ann's, {NUMBERS:?} tell {anns:?}");
    for role in [identity::Role::Member, identity::Role::Viewer] {
        let stranger = world.person(&format!("bob-{role:?}").to_lowercase(), role).await?;
        for it in &operations {
            let answer = stranger.answer(&it.query, it.variables.clone()).await?;
            let asked = format!("{role:?}: {} of {}", it.name, it.variables);
            nothing_of(&ann, &answer, &asked)?;
            let counted = NUMBERS.map(|name| counted(&answer["data"][name]));
            ensure!(counted.iter().all(|it| *it == 0.0), "{asked} counts what is Ann's: {answer}");
        }
    }
    ensure!(before == ann.everything().await?, "looking has changed something");
    world.end().await
}

#[tokio::test]
async fn whatever_a_stranger_does_leaves_everything_as_it_was() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let before = ann.everything().await?;
    let (schema, names) = (Schema::of(&ann.owner).await?, ann.names());
    for (place, field) in schema.fields("mutationType")?.iter().enumerate() {
        let mut stranger = world.member(&format!("bob-{place}")).await?;
        for (turn, it) in schema.operations("mutation", field, &names).iter().enumerate() {
            let answer = stranger.answer(&it.query, it.variables.clone()).await?;
            nothing_of(&ann, &answer, &format!("{} of {}", it.name, it.variables))?;
            // Some of what one may do to oneself ends the session.
            if !stranger.is_signed_in().await? {
                stranger = world.member(&format!("bob-{place}-{turn}")).await?;
            }
        }
    }
    let after = ann.everything().await?;
    ensure!(before == after, "a stranger has changed {before}\ninto {after}");

    // What even she is refused would be refused to anybody.
    let mut fields = schema.fields("mutationType")?;
    fields.sort_by_key(|it| ENDINGS.iter().position(|end| it.name.starts_with(end)));
    for field in &fields {
        let (mut answers, mut done) = (Vec::new(), false);
        for it in schema.operations("mutation", field, &names) {
            let text = it.variables.to_string();
            if names.iter().any(|name| text.contains(name)) {
                let answer = ann.owner.answer(&it.query, it.variables).await?;
                let payload = &answer["data"][&field.name];
                done |= !payload.is_null() && payload["userErrors"] == json!([]);
                answers.push(answer);
            }
        }
        let why = NOT_FOR_OWNERS.iter().find(|it| it.0 == field.name).map(|it| it.1);
        let is_refused = !answers.is_empty() && !done;
        ensure!(is_refused == why.is_some(), "{} by Ann, {why:?}: {answers:?}", field.name);
    }
    world.end().await
}

#[tokio::test]
async fn no_frame_of_a_stranger_s_sockets_tells_of_others() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let bob = world.member("bob").await?;
    let (schema, names) = (Schema::of(&ann.owner).await?, ann.names());
    let (mut socket, mut anns) = (Socket::open(&bob).await?, Socket::open(&ann.owner).await?);
    let mut told = BTreeMap::new();
    for field in schema.fields("subscriptionType")? {
        for operation in schema.operations("subscription", &field, &names) {
            told.insert(operation.name.clone(), false);
            socket.subscribe(&operation).await?;
            anns.subscribe(&operation).await?;
        }
    }
    let mark = ann.does_more().await?;
    // What Bob does afterwards comes after it in the journal: once he has heard of that, by what
    // tells of all that there is, he would have heard of Ann's.
    let own = bob.create_task("anything", json!({ "of": "bob" })).await?;
    let told_of_own =
        |asked: &str, frame: &Value| asked == "jobEvents" && frame.to_string().contains(&own);
    for (asked, frame) in socket.until(told_of_own).await? {
        nothing_of(&ann, &frame, &asked)?;
        ensure!(!frame.to_string().contains(&mark), "{asked} tells a stranger {mark}: {frame}");
    }
    let all_told = |asked: &str, frame: &Value| {
        if let Some(told) = told.get_mut(asked) {
            *told |= ann.is_told_of(&frame["data"]);
        }
        all_but_not_own(&told).is_ok()
    };
    let heard = anns.until(all_told).await;
    all_but_not_own(&told)?;
    heard?;
    world.end().await
}
