//! What one person owned becomes another's, whole.

use anyhow::ensure;
use reqwest::Method;
use serde_json::{Value, json};

use super::belongings::Belongings;
use crate::world::{Caller, World, eventually};

const COUNTS: &str = "{ jobs { totalCount } lands { totalCount } \
                      statistics { current { jobs } } }";

async fn id_of(who: &Caller) -> anyhow::Result<Value> {
    Ok(who.ask("{ viewer { id } }", json!({})).await?["viewer"]["id"].take())
}

/// Whether somebody sees every job, page, land and file, or else whether they
/// see none.
async fn sees(who: &Caller, things: &Belongings, all: bool) -> anyhow::Result<bool> {
    let seen = who.ask(COUNTS, json!({})).await?;
    let (jobs, lands) = if all { (3, 1) } else { (0, 0) };
    let counted = seen["jobs"]["totalCount"] == jobs && seen["lands"]["totalCount"] == lands;
    let mut standing = 0;
    for row in seen["statistics"]["current"].as_array().into_iter().flatten() {
        standing += row["jobs"].as_i64().unwrap_or_default();
    }
    let mut right = counted && standing == jobs;
    let pages = "query($id: ID!) { pages(crawlId: $id) { totalCount } }";
    let pages = who.answer(pages, json!({ "id": things.ids[4] })).await?;
    right &= (pages["data"]["pages"]["totalCount"] == 1) == all;
    right &= pages.to_string().contains("NOT_FOUND") != all;
    for file in &things.files {
        let answer = who.send(Method::HEAD, &format!("/api/artifacts/{file}")).await?;
        right &= answer.status() == if all { 200 } else { 404 };
    }
    Ok(right)
}

#[tokio::test]
async fn what_ann_owned_is_bob_s_and_she_sees_nothing_of_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let bob = world.member("bob").await?;
    let ada = world.person("ada", identity::Role::Admin).await?;
    ensure!(sees(&ann.owner, &ann, true).await? && sees(&bob, &ann, false).await?, "before");

    let give = "mutation($input: TransferOwnershipInput!) { transferOwnership(input: $input) { \
                position user { id } userErrors { code path } } }";
    let (from, to) = (id_of(&ann.owner).await?, id_of(&bob).await?);
    let input = json!({ "input": { "from": from, "to": to, "idempotencyKey": "once" } });
    let refused = ann.owner.answer(give, input.clone()).await?;
    ensure!(refused.to_string().contains("FORBIDDEN"), "{refused}");
    let to_herself = json!({ "input": { "from": from, "to": from } });
    let refused = ada.ask(give, to_herself).await?["transferOwnership"].take();
    let error = json!([{ "code": "INVALID", "path": ["input", "to"] }]);
    ensure!(refused["userErrors"] == error, "{refused}");

    let given = ada.ask(give, input.clone()).await?["transferOwnership"].take();
    ensure!(given["userErrors"] == json!([]) && given["user"]["id"] == to, "{given}");
    eventually("all of it to be Bob's".to_owned(), async || {
        Ok(sees(&bob, &ann, true).await? && sees(&ann.owner, &ann, false).await?)
    })
    .await?;

    // What she makes afterwards is hers, also when the request comes once more.
    let other = ann.owner.create_task("anything", json!({})).await?;
    let again = ada.ask(give, input).await?["transferOwnership"].take();
    ensure!(again == given, "{again} is not {given}");
    ensure!(ann.owner.state(&other).await? == "QUEUED", "her own");
    ensure!(bob.state(&other).await.is_err(), "Bob sees what Ann has made since");
    ann.owner
        .ask(
            "mutation($id: ID!) { cancelJob(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": other }),
        )
        .await?;

    // From the journal alone it is Bob's too.
    let world = world.without_its_index().await?;
    let (bob, former) = (world.again(&bob), world.again(&ann.owner));
    for file in &ann.files {
        let path = format!("/api/artifacts/{file}");
        eventually(format!("{file} to be Bob's"), async || {
            Ok(bob.send(Method::HEAD, &path).await?.status() == 200)
        })
        .await?;
        ensure!(former.send(Method::HEAD, &path).await?.status() == 404, "{file} is Ann's");
    }
    world.end().await
}
