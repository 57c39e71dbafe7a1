//! What an operator does about people and what is theirs, by the program
//! itself, beside a system that serves.

use anyhow::{Context, ensure};
use serde_json::json;
use tokio::process::Command;

use crate::{
    worker::Token,
    world::{Caller, World, eventually, program},
};

/// A password for those whom the tests make.
const PASSWORD: &str = "correct horse battery staple";

/// Runs the program to its end; gives whether it succeeded and what it said.
async fn run(world: &World, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    let output = Command::new(program()?)
        .args(arguments)
        .args(["--database-url", world.database_url()])
        .env("GREFFE_USER_PASSWORD", PASSWORD)
        .current_dir(std::env::temp_dir())
        .output()
        .await?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8(said)?))
}

/// What it said, if it did what it was asked to.
async fn done(world: &World, arguments: &[&str]) -> anyhow::Result<String> {
    let (succeeded, said) = run(world, arguments).await?;
    ensure!(succeeded, "{arguments:?}: {said}");
    Ok(said)
}

/// What it said, in one line, when it refused.
async fn refused(world: &World, arguments: &[&str]) -> anyhow::Result<String> {
    let (succeeded, said) = run(world, arguments).await?;
    ensure!(!succeeded && said.trim_end().lines().count() == 1, "{arguments:?}: {said}");
    Ok(said)
}

/// The first column of a table, below its head.
fn ids(table: &str) -> Vec<&str> {
    table.lines().skip(2).filter_map(|it| it.split_whitespace().next()).collect()
}

/// Signs somebody in whom the command line made.
async fn sign_in(world: &World, email: &str) -> anyhow::Result<Caller> {
    let mutation = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "email": email, "password": PASSWORD } });
    let data = Caller::new(&world.base, "").ask(mutation, input).await?;
    let token = data["signIn"]["accessToken"].as_str().context("a token")?;
    Ok(Caller::new(&world.base, token))
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() -> anyhow::Result<()> {
    let world = World::new().await?;
    done(&world, &["user", "create", "ann@example.org"]).await?;
    let earlier = sign_in(&world, "ann@example.org").await?;
    let listed = done(&world, &["user", "sessions", "ann@example.org"]).await?;
    let first = ids(&listed)[0].to_owned();
    let later = sign_in(&world, "ann@example.org").await?;
    let listed = done(&world, &["user", "sessions", "ann@example.org"]).await?;
    ensure!(ids(&listed).len() == 2, "{listed}");

    done(&world, &["user", "sign-out", "ann@example.org", "--session", &first]).await?;
    let listed = done(&world, &["user", "sessions", "ann@example.org"]).await?;
    ensure!(ids(&listed).len() == 1 && !listed.contains(&first), "{listed}");
    until_out(&earlier).await?;
    ensure!(is_in(&later).await?, "the other session goes on");
    let again =
        refused(&world, &["user", "sign-out", "ann@example.org", "--session", &first]).await?;
    ensure!(again.contains("--session"), "{again}");

    done(&world, &["user", "sign-out", "ann@example.org"]).await?;
    let listed = done(&world, &["user", "sessions", "ann@example.org"]).await?;
    ensure!(ids(&listed).is_empty(), "{listed}");
    until_out(&later).await?;
    world.end().await
}

/// A password among the arguments could be seen by others: it is read from the environment alone.
#[tokio::test]
async fn no_password_is_taken_as_an_argument() -> anyhow::Result<()> {
    let world = World::new().await?;
    for action in ["create", "reset-password"] {
        let arguments = ["user", action, "ann@example.org", "--password", PASSWORD];
        let (succeeded, said) = run(&world, &arguments).await?;
        ensure!(!succeeded && said.contains("unexpected argument"), "{action}: {said}");
    }
    done(&world, &["user", "create", "ann@example.org"]).await?;
    ensure!(is_in(&sign_in(&world, "ann@example.org").await?).await?, "the environment's holds");
    world.end().await
}

/// Whether somebody is let in still.
async fn is_in(caller: &Caller) -> anyhow::Result<bool> {
    let answer = caller.answer("{ viewer { email } }", json!({})).await?;
    Ok(!answer["data"]["viewer"].is_null())
}

async fn until_out(caller: &Caller) -> anyhow::Result<()> {
    eventually("a session to be over".to_owned(), async || Ok(!is_in(caller).await?)).await
}

#[tokio::test]
async fn a_token_made_for_somebody_lets_a_program_in_until_it_is_revoked() -> anyhow::Result<()> {
    let world = World::new().await?;
    done(&world, &["user", "create", "ann@example.org"]).await?;
    let create = |scope| {
        ["token", "create", "laptop", "--of", "ann@example.org", "--scope", scope, "--days", "2"]
    };
    let mut callers = Vec::new();
    for scope in ["read", "write"] {
        let said = done(&world, &create(scope)).await?;
        let (_, token) = said.trim().rsplit_once("shown once: ").context("no token is shown")?;
        callers.push(Caller::new(&world.base, token));
    }
    for caller in &callers {
        let viewer = caller.ask("{ viewer { email } }", json!({})).await?;
        ensure!(viewer["viewer"]["email"] == "ann@example.org", "{viewer}");
    }
    let [reads, writes] = callers.as_slice() else { anyhow::bail!("two tokens were made") };
    ensure!(reads.create_task("anything", json!({})).await.is_err(), "it only reads");
    writes.create_task("anything", json!({})).await?;

    let listed = done(&world, &["token", "list", "--of", "ann@example.org"]).await?;
    let tokens = ids(&listed);
    ensure!(tokens.len() == 2, "{listed}");
    for token in tokens {
        done(&world, &["token", "revoke", token, "--of", "ann@example.org"]).await?;
    }
    for caller in &callers {
        until_out(caller).await?;
    }
    for odd in [
        &["token", "create", "x", "--of", "nobody@example.org"][..],
        &["token", "create", " ", "--of", "ann@example.org"],
    ] {
        refused(&world, odd).await?;
    }
    let (succeeded, said) = run(&world, &["token", "create", "x", "--days", "3"]).await?;
    ensure!(!succeeded && said.contains("--of"), "{said}");
    world.end().await
}

/// What somebody sees of a job and of a land.
async fn sees(caller: &Caller, job: &str, land: &str) -> anyhow::Result<(bool, bool)> {
    let query = "query($job: ID!, $land: ID!) { job(id: $job) { id } land(id: $land) { id } }";
    let answer = caller.answer(query, json!({ "job": job, "land": land })).await?;
    let seen = |what: &str| !answer["data"][what].is_null();
    Ok((seen("job"), seen("land")))
}

#[tokio::test]
async fn a_job_and_a_land_are_given_away_by_whoever_has_the_machine() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, bob) = (world.member("ann").await?, world.member("bob").await?);
    let job = ann.create_task("anything", json!({})).await?;
    let sketch = json!({ "name": "Rivers", "languages": ["en"], "terms": ["river"] });
    let made = ann.mutate("createLand", "land { id }", sketch).await?;
    let land = made["land"]["id"].as_str().context("a land")?;
    eventually("Ann to see both".to_owned(), async || {
        Ok(sees(&ann, &job, land).await? == (true, true))
    })
    .await?;

    done(&world, &["job", "transfer", &job, "--to", "bob@example.org"]).await?;
    eventually("the job to be Bob's".to_owned(), async || {
        Ok(sees(&ann, &job, land).await? == (false, true)
            && sees(&bob, &job, land).await? == (true, false))
    })
    .await?;
    done(&world, &["land", "transfer", land, "--to", "bob@example.org"]).await?;
    eventually("the land to be Bob's".to_owned(), async || {
        Ok(sees(&ann, &job, land).await? == (false, false)
            && sees(&bob, &job, land).await? == (true, true))
    })
    .await?;

    eventually("the timeline to say who gave it away".to_owned(), async || {
        let query = "query($id: ID!) { job(id: $id) { timeline { actor type } } }";
        let told = bob.ask(query, json!({ "id": job })).await?;
        let entries = told["job"]["timeline"].as_array().context("a timeline")?;
        let last = entries.last().context("an entry")?;
        Ok(*last == json!({ "actor": "system:console", "type": "JobTransferred" }))
    })
    .await?;

    let nobody = refused(&world, &["job", "transfer", &job, "--to", "nobody@example.org"]).await?;
    ensure!(nobody.contains("--to") && nobody.contains("nobody@example.org"), "{nobody}");
    let unknown = uuid::Uuid::nil().to_string();
    refused(&world, &["job", "transfer", &unknown, "--to", "bob@example.org"]).await?;
    refused(&world, &["land", "transfer", land, "--to", "bob@example.org"]).await?;
    world.end().await
}

/// Must never: a letter that leads to a door that is closed.
#[tokio::test]
async fn nobody_is_invited_where_registration_is_closed() -> anyhow::Result<()> {
    let world = World::new().await?;
    let invite = ["user", "invite", "bob@example.org"];
    let closed = [&invite[..], &["--registration", "closed"]].concat();
    let refused = refused(&world, &closed).await?;
    let listed = done(&world, &["user", "list"]).await?;
    let told = done(&world, &invite).await?;
    ensure!(refused.contains("--registration closed"), "{refused}");
    ensure!(!listed.contains("bob@example.org"), "{listed}");
    ensure!(told.contains("--smtp-url") && told.contains("--registration closed"), "{told}");
    world.end().await
}

/// Only one version of what moves with an append can be true. A process that
/// serves is not put out of work by looking up who may sign in.
#[tokio::test]
async fn read_models_of_another_version_are_replaced_when_that_is_asked_for() -> anyhow::Result<()>
{
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let db = world.database().await?;
    sqlx::query("create schema job_ready_v999").execute(&db).await?;
    let refused = refused(&world, &["user", "list"]).await?;
    ensure!(refused.contains("job_ready_v999") && refused.contains("greffe migrate"), "{refused}");
    ann.create_task("anything", json!({})).await?;

    done(&world, &["migrate"]).await?;
    let there = "select count(*) from pg_namespace where nspname = 'job_ready_v999'";
    let there: i64 = sqlx::query_scalar(there).fetch_one(&db).await?;
    ensure!(there == 0, "it is still there");
    done(&world, &["user", "list"]).await?;
    ann.create_task("anything", json!({})).await?;
    let worker = Token::new(&world).await?.register(&["anything"]).await?;
    worker.take().await?;
    worker.take().await?;
    world.end().await
}

/// Where the tables are may be said before the action and after it.
#[tokio::test]
async fn options_stand_where_one_writes_them() -> anyhow::Result<()> {
    let world = World::new().await?;
    let before = Command::new(program()?)
        .args(["user", "--database-url", world.database_url(), "list"])
        .output()
        .await?;
    let after = done(&world, &["user", "list"]).await?;
    ensure!(before.status.success(), "{before:?}");
    ensure!(String::from_utf8(before.stdout)? == after, "{after}");
    ensure!(ids(&after).len() == 1, "{after}");
    world.end().await
}
