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

use anyhow::ensure;
use serde_json::Value;

use self::{belongings::Belongings, schema::Schema, socket::Socket};
use crate::world::World;

/// What a stranger may learn from an answer: nothing of what belongs to Ann.
fn nothing_of(ann: &Belongings, answer: &Value, asked: &str) -> anyhow::Result<()> {
    let text = answer.to_string();
    for mark in &ann.marks {
        ensure!(!text.contains(mark), "{asked} tells a stranger {mark}: {text}");
    }
    for error in answer["errors"].as_array().into_iter().flatten() {
        let code = &error["extensions"]["code"];
        let known = ["NOT_FOUND", "FORBIDDEN", "UNAUTHENTICATED", "BAD_USER_INPUT"];
        ensure!(known.iter().any(|it| code == it), "{asked} breaks: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn whatever_a_stranger_asks_for_is_not_there() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let before = ann.everything().await?;
    let schema = Schema::of(&ann.owner).await?;
    for role in [identity::Role::Member, identity::Role::Viewer] {
        let stranger = world.person(&format!("bob-{role:?}").to_lowercase(), role).await?;
        for field in schema.fields("queryType")? {
            for id in &ann.ids {
                for operation in schema.operations("query", &field, id) {
                    let answer = stranger.answer(&operation.query, operation.variables).await?;
                    nothing_of(&ann, &answer, &format!("{role:?}: {} of {id}", field.name))?;
                }
            }
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
    let schema = Schema::of(&ann.owner).await?;
    for (place, field) in schema.fields("mutationType")?.iter().enumerate() {
        let mut stranger = world.member(&format!("bob-{place}")).await?;
        for (turn, id) in ann.ids.iter().enumerate() {
            for operation in schema.operations("mutation", field, id) {
                let answer = stranger.answer(&operation.query, operation.variables).await?;
                nothing_of(&ann, &answer, &format!("{} of {id}", field.name))?;
            }
            // Some of what one may do to oneself ends the session.
            if !stranger.is_signed_in().await? {
                stranger = world.member(&format!("bob-{place}-{turn}")).await?;
            }
        }
    }
    let after = ann.everything().await?;
    ensure!(before == after, "a stranger has changed {before}\ninto {after}");
    world.end().await
}

#[tokio::test]
async fn no_frame_of_a_stranger_s_sockets_tells_of_others() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let bob = world.member("bob").await?;
    let schema = Schema::of(&ann.owner).await?;
    let mut socket = Socket::open(&bob).await?;
    for field in schema.fields("subscriptionType")? {
        for id in &ann.ids {
            for operation in schema.operations("subscription", &field, id) {
                socket.subscribe(&format!("{} of {id}", field.name), &operation).await?;
            }
        }
    }
    let mark = ann.does_more().await?;
    // What Bob does afterwards comes after it in the journal: once he has heard
    // of that, he would have heard of Ann's.
    let own = bob.create_task("anything", serde_json::json!({ "of": "bob" })).await?;
    for (asked, frame) in socket.until_told_of(&own).await? {
        nothing_of(&ann, &frame, &asked)?;
        ensure!(!frame.to_string().contains(&mark), "{asked} tells a stranger {mark}: {frame}");
    }
    world.end().await
}
