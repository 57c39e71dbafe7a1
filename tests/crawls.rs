//! Crawls as people see them: what they made, why one came to nothing, and what
//! becomes of them when the land or the person is gone.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    site,
    world::{Caller, World},
};

impl Caller {
    /// Asks for a crawl, gives its id.
    async fn start_crawl(&self, input: Value) -> anyhow::Result<String> {
        let payload = self.mutate("startCrawl", "crawl { id }", input).await?;
        let id = payload.pointer("/crawl/id").and_then(Value::as_str);
        id.map(str::to_owned).with_context(|| format!("no crawl was started: {payload}"))
    }

    /// What a crawl says of itself.
    async fn crawl(&self, id: &str) -> anyhow::Result<Value> {
        let query = "query($id: ID!) { job(id: $id) { state error { type message } \
                     ... on Crawl { pageCounts { kept total } \
                     artifacts { name url sha256 bytes } } } }";
        Ok(self.ask(query, json!({ "id": id })).await?["job"].take())
    }

    /// Reads a file where it says that it is; it is what it says.
    async fn download(&self, file: &Value) -> anyhow::Result<()> {
        let url = file["url"].as_str().context("an address")?;
        let answer = self.send(Method::GET, url).await?;
        ensure!(answer.status() == 200, "{url}: {}", answer.status());
        let content = answer.bytes().await?;
        ensure!(file["bytes"] == content.len(), "{file} has {} bytes", content.len());
        let hash = domain::artifact::Sha256::new(Sha256::digest(&content).into()).to_string();
        ensure!(file["sha256"] == hash, "{file} hashes to {hash}");
        Ok(())
    }
}

/// Must never: a file that is gone with the process that made it, or after an
/// hour.
#[tokio::test]
async fn what_a_crawl_has_made_is_what_it_says_and_is_there_after_a_restart() -> anyhow::Result<()>
{
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let (_site, address) = site::of_one_page("lighthouse").await?;
    let input = json!({ "seeds": [address], "terms": ["lighthouse"] });
    let crawl = ann.start_crawl(input).await?;
    ann.until(&crawl, "SUCCEEDED").await?;
    let made = ann.crawl(&crawl).await?;
    ensure!(made["pageCounts"] == json!({ "kept": 1, "total": 1 }), "{made}");
    let files = made["artifacts"].as_array().context("files")?;
    let names: Vec<&str> = files.iter().filter_map(|it| it["name"].as_str()).collect();
    ensure!(names == ["pages.csv", "pages.gexf", "dictionary.json"], "{made}");
    for file in files {
        ann.download(file).await?;
    }

    let world = world.restart().await?;
    let ann = world.again(&ann);
    ensure!(ann.crawl(&crawl).await? == made, "it is told as it was");
    for file in files {
        ann.download(file).await?;
    }
    world.end().await
}

/// Must never: a failed job that cannot be read, or that looks like a success.
#[tokio::test]
async fn a_crawl_that_came_to_nothing_says_so_and_why() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    // Nobody has allowed this network.
    let seed = "http://10.0.0.1/";
    let crawl = ann.start_crawl(json!({ "seeds": [seed], "terms": ["light"] })).await?;
    ann.until(&crawl, "FAILED").await?;
    let told = ann.crawl(&crawl).await?;
    ensure!(told["error"]["type"] == "NoSeed", "{told}");
    let message = told["error"]["message"].as_str().context("a message")?;
    ensure!(message.contains(seed), "{message}");
    ensure!(told["artifacts"] == json!([]), "{told}");
    let query = "{ jobs(filter: { states: [FAILED] }) { nodes { id succeededWithErrors } } }";
    let listed = ann.ask(query, json!({})).await?;
    let expected = json!([{ "id": crawl, "succeededWithErrors": false }]);
    ensure!(listed["jobs"]["nodes"] == expected, "{listed}");
    world.end().await
}

/// Must never: a job that nobody ever asked for and that is pending for ever.
#[tokio::test]
async fn an_id_that_nobody_has_is_not_found_however_one_asks() -> anyhow::Result<()> {
    let world = World::new().await?;
    let admin = world.person("olga", identity::Role::Admin).await?;
    for id in ["whatever".to_owned(), "0".to_owned(), Uuid::new_v4().to_string()] {
        let query = "query($id: ID!) { job(id: $id) { state } node(id: $id) { id } \
                     land(id: $id) { id } pages(crawlId: $id) { totalCount } \
                     page(crawlId: $id, number: 0) { state } links(crawlId: $id) { totalCount } \
                     linkGraph(crawlId: $id) { hasMore } }";
        let seen = admin.ask(query, json!({ "id": id })).await?;
        let found: Vec<_> = seen.as_object().context("an answer")?.iter().collect();
        ensure!(found.len() == 7 && found.iter().all(|(_, it)| it.is_null()), "{id}: {seen}");
        for name in ["cancelJob", "retryJob", "deleteLand"] {
            let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
            let mutation = format!(
                "mutation($input: {kind}!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
            );
            let answer = admin.ask(&mutation, json!({ "input": { "id": id } })).await?;
            ensure!(answer[name]["userErrors"] == json!([{ "code": "NOT_FOUND" }]), "{answer}");
        }
    }
    world.end().await
}

/// Must never: an error because somebody who goes has left something.
#[tokio::test]
async fn crawls_outlive_their_land_and_both_outlive_who_made_them() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, admin) =
        (world.member("ann").await?, world.person("olga", identity::Role::Admin).await?);
    let (_site, address) = site::of_one_page("lighthouse").await?;
    let mut lands = Vec::new();
    for name in ["Lights", "Towers"] {
        let input = json!({ "name": name, "terms": ["lighthouse"], "startUrls": [address] });
        lands.push(ann.mutate("createLand", "land { id }", input).await?["land"]["id"].take());
    }
    let crawl = ann.start_crawl(json!({ "landId": lands[0] })).await?;
    ann.until(&crawl, "SUCCEEDED").await?;
    let before = ann.crawl(&crawl).await?;
    ann.mutate("deleteLand", "position", json!({ "id": lands[0] })).await?;
    ensure!(ann.crawl(&crawl).await? == before, "the crawl is there");

    let me = ann.ask("{ viewer { id } }", json!({})).await?["viewer"]["id"].take();
    let disable = "mutation($input: DisableUserInput!) { disableUser(input: $input) { \
                   userErrors { code message } } }";
    let told = admin.ask(disable, json!({ "input": { "id": me } })).await?;
    ensure!(told["disableUser"]["userErrors"] == json!([]), "{told}");
    ensure!(admin.crawl(&crawl).await? == before, "others may still see it");
    let query = "query($id: ID!) { land(id: $id) { name owner { id } } }";
    let land = admin.ask(query, json!({ "id": lands[1] })).await?["land"].take();
    ensure!(land == json!({ "name": "Towers", "owner": { "id": me } }), "{land}");
    admin.mutate("deleteLand", "position", json!({ "id": lands[1] })).await?;
    world.end().await
}
