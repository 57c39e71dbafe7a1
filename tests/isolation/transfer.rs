//! What somebody gives away, or what is given away for them, is the other's;
//! and whoever owned it is a stranger to it.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::{belongings::Belongings, nothing_of, schema::Schema, socket::Socket};
use crate::world::{Caller, World, eventually};

/// What Ann and Bob are called where things are given to them.
async fn id_of(world: &World, name: &str) -> anyhow::Result<String> {
    let email = format!("{name}@example.org");
    let user = world.system.identity.user_by_email(&email).await?;
    Ok(user.context("somebody of that name")?.id.to_string())
}

/// Asks for a transfer; gives the codes of what speaks against it.
async fn transfer(caller: &Caller, name: &str, input: Value) -> anyhow::Result<Vec<String>> {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let mutation = format!(
        "mutation($input: {kind}!) {{ {name}(input: $input) {{ \
         position userErrors {{ code path }} }} }}"
    );
    let answer = caller.answer(&mutation, json!({ "input": input })).await?;
    let payload = &answer["data"][name];
    let errors = payload["userErrors"].as_array().or(answer["errors"].as_array());
    let errors = errors.with_context(|| format!("{name} is answered with {answer}"))?;
    let codes = errors.iter().map(|it| it["code"].as_str().or(it["extensions"]["code"].as_str()));
    let codes: Vec<String> = codes.flatten().map(str::to_owned).collect();
    ensure!(codes.is_empty() != payload["position"].is_null(), "{name}: {answer}");
    Ok(codes)
}

/// How the files of somebody are answered.
async fn statuses(caller: &Caller, files: &[String]) -> anyhow::Result<Vec<u16>> {
    let mut statuses = Vec::new();
    for file in files {
        let path = format!("/api/artifacts/{file}");
        statuses.push(caller.send(Method::GET, &path).await?.status().as_u16());
    }
    Ok(statuses)
}

/// The ids of the jobs and the lands that somebody sees.
async fn seen(caller: &Caller) -> anyhow::Result<Vec<String>> {
    let query = "{ jobs(first: 100, orderBy: OLDEST) { nodes { id } } \
                 lands(first: 100) { nodes { id } } }";
    let data = caller.ask(query, json!({})).await?;
    let mut ids = Vec::new();
    for list in ["jobs", "lands"] {
        for node in data[list]["nodes"].as_array().context("a list")? {
            ids.push(node["id"].as_str().context("an id")?.to_owned());
        }
    }
    Ok(ids)
}

#[tokio::test]
async fn a_stranger_gives_nothing_away() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let before = ann.everything().await?;
    let (anns, bobs) = (id_of(&world, "ann").await?, {
        world.member("bob").await?;
        id_of(&world, "bob").await?
    });
    let strangers = [
        (identity::Role::Member, "NOT_FOUND"),
        (identity::Role::Viewer, "FORBIDDEN"),
        (identity::Role::Operator, "FORBIDDEN"),
    ];
    for (role, answer) in strangers {
        let stranger = world.person(&format!("carl-{role:?}").to_lowercase(), role).await?;
        for job in &ann.jobs {
            let codes =
                transfer(&stranger, "transferJob", json!({ "id": job, "to": bobs })).await?;
            ensure!(codes == [answer], "{role:?}, {job}: {codes:?}");
        }
        let land = json!({ "id": ann.land, "to": bobs });
        let codes = transfer(&stranger, "transferLand", land).await?;
        ensure!(codes == [answer], "{role:?}, the land: {codes:?}");
        let all = json!({ "from": anns, "to": bobs });
        let codes = transfer(&stranger, "transferOwnership", all).await?;
        ensure!(codes == ["FORBIDDEN"], "{role:?}, everything: {codes:?}");
    }
    ensure!(before == ann.everything().await?, "a stranger has given something away");
    world.end().await
}

#[tokio::test]
async fn nothing_goes_to_nobody() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let admin = world.person("root", identity::Role::Admin).await?;
    let job = ann.create_task("anything", json!({ "of": "ann" })).await?;
    let anns = id_of(&world, "ann").await?;
    world.member("gone").await?;
    let gone = id_of(&world, "gone").await?;
    let disable = json!({ "id": gone });
    admin.mutate("disableUser", "user { id }", disable).await?;
    for to in [anns.as_str(), gone.as_str(), job.as_str(), "nobody"] {
        let codes = transfer(&ann, "transferJob", json!({ "id": job, "to": to })).await?;
        ensure!(codes == ["INVALID"], "to {to}: {codes:?}");
        let all = json!({ "from": anns, "to": to });
        let codes = transfer(&admin, "transferOwnership", all).await?;
        ensure!(codes == ["INVALID"], "everything to {to}: {codes:?}");
    }
    let from_nobody = json!({ "from": job, "to": anns });
    let codes = transfer(&admin, "transferOwnership", from_nobody).await?;
    ensure!(codes == ["NOT_FOUND"], "from nobody: {codes:?}");
    ensure!(seen(&ann).await? == [job], "it is Ann's still");
    world.end().await
}

#[tokio::test]
async fn a_job_that_is_given_away_takes_its_files_with_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let bob = world.member("bob").await?;
    let bobs = id_of(&world, "bob").await?;
    let (report, rest) = ann.jobs.split_last().context("a report")?;
    ensure!(statuses(&bob, &ann.files).await?.iter().all(|it| *it == 404), "Ann's files");
    let once = json!({ "id": report, "to": bobs, "idempotencyKey": "once" });
    for _ in 0..2 {
        let codes = transfer(&ann.owner, "transferJob", once.clone()).await?;
        ensure!(codes.is_empty(), "{codes:?}");
    }
    // What is of the crawl stays; document, provenance and input go. She sent the source, and the
    // report was given it.
    let (stays, goes) = ann.files.split_at(ann.files.len() - 3);
    let (source, stays) = stays.split_at(1);
    eventually("the files to be Bob's".to_owned(), async || {
        Ok(statuses(&bob, goes).await? == [200, 200, 200]
            && statuses(&ann.owner, goes).await? == [404, 404, 404])
    })
    .await?;
    for caller in [&bob, &ann.owner] {
        ensure!(statuses(caller, source).await? == [200], "the source is for both to read");
    }
    ensure!(statuses(&ann.owner, stays).await?.iter().all(|it| *it == 200), "the crawl is Ann's");
    ensure!(statuses(&bob, stays).await?.iter().all(|it| *it == 404), "the crawl is not Bob's");
    eventually("the report to be Bob's".to_owned(), async || {
        Ok(seen(&bob).await? == [report.clone()])
    })
    .await?;
    let mut anns = rest.to_vec();
    anns.push(ann.land.clone());
    ensure!(seen(&ann.owner).await? == anns, "the rest is Ann's");
    world.end().await
}

#[tokio::test]
async fn after_a_transfer_the_former_owner_is_a_stranger() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut ann = Belongings::of_ann(&world).await?;
    // She is no stranger to herself.
    ann.herself.clear();
    let bob = world.member("bob").await?;
    let admin = world.person("root", identity::Role::Admin).await?;
    let schema = Schema::of(&ann.owner).await?;
    // Her tokens stay hers, and are called after what is looked for.
    for id in &ann.ids {
        let revoke = "mutation($input: RevokeApiTokenInput!) { \
                      revokeApiToken(input: $input) { userErrors { code } } }";
        ann.owner.answer(revoke, json!({ "input": { "id": id } })).await?;
    }
    let mut sockets = [Socket::open(&ann.owner).await?, Socket::open(&ann.owner).await?];
    for field in schema.fields("subscriptionType")? {
        for operation in schema.operations("subscription", &field, &ann.jobs) {
            sockets[0].subscribe(&operation).await?;
        }
    }
    let all = json!({ "from": id_of(&world, "ann").await?, "to": id_of(&world, "bob").await? });
    let codes = transfer(&admin, "transferOwnership", all).await?;
    ensure!(codes.is_empty(), "{codes:?}");
    let mut everything = ann.jobs.clone();
    everything.push(ann.land.clone());
    eventually("all to be Bob's".to_owned(), async || {
        Ok(seen(&bob).await? == everything
            && statuses(&bob, &ann.files).await?.iter().all(|it| *it == 200)
            && statuses(&ann.owner, &ann.files).await?.iter().all(|it| *it == 404))
    })
    .await?;
    ensure!(seen(&ann.owner).await?.is_empty(), "nothing is Ann's");
    a_stranger_everywhere(&ann, &schema).await?;

    // What happens from now on is Bob's to hear of.
    let mark = format!("bobs{}", uuid::Uuid::new_v4().simple());
    let task = &ann.jobs[0];
    bob.mutate("cancelJob", "job { id }", json!({ "id": task, "reason": mark })).await?;
    let bobs = Socket::open(&bob).await?.until_told_of(task).await?;
    ensure!(!bobs.is_empty(), "Bob hears of it");
    for field in schema.fields("subscriptionType")? {
        for operation in schema.operations("subscription", &field, &ann.ids) {
            sockets[1].subscribe(&operation).await?;
        }
    }
    let own = ann.owner.create_task("anything", json!({ "of": "ann" })).await?;
    for (socket, from_the_first) in sockets.into_iter().zip([true, false]) {
        for (asked, frame) in socket.until_told_of(&own).await? {
            let text = frame.to_string();
            for late in [mark.as_str(), "JobCancelled"] {
                ensure!(!text.contains(late), "{asked} tells the former owner {late}: {text}");
            }
            // That a job is hers no more, she may hear.
            let secrets = ann.marks.iter().filter(|it| !ann.jobs.contains(it));
            for secret in secrets.filter(|_| !from_the_first) {
                ensure!(!text.contains(secret), "{asked} tells {secret}: {text}");
            }
        }
    }
    ensure!(seen(&ann.owner).await? == [own], "what she makes now is hers");
    world.end().await
}

/// Whatever the former owner asks for is not there, and what she does changes
/// nothing.
async fn a_stranger_everywhere(ann: &Belongings, schema: &Schema) -> anyhow::Result<()> {
    for field in schema.fields("queryType")? {
        for it in schema.operations("query", &field, &ann.ids) {
            let answer = ann.owner.answer(&it.query, it.variables.clone()).await?;
            nothing_of(ann, &answer, &format!("{} of {}", it.name, it.variables))?;
        }
    }
    for id in &ann.ids {
        let path = format!("/api/files/{id}");
        let status = ann.owner.send(Method::DELETE, &path).await?.status().as_u16();
        ensure!(status == 404, "DELETE {path}: {status}");
    }
    for (name, id) in ann.jobs.iter().map(|it| ("cancelJob", it)).chain([("deleteLand", &ann.land)])
    {
        let codes = transfer(&ann.owner, name, json!({ "id": id })).await?;
        ensure!(codes == ["NOT_FOUND"], "{name} of {id}: {codes:?}");
    }
    Ok(())
}
