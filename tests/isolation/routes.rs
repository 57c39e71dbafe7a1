//! Every route that the server says it has, as those who may not use it meet it.
//!
//! What is asked for are the routes of `/api/openapi.json`, which are those of the table that the
//! router is made of. A new one is asked for by itself, and must say for whom it is.

use anyhow::{Context, bail, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::belongings::Belongings;
use crate::{
    worker::Worker,
    world::{Caller, World},
};

/// Somebody who is not Ann, nor a worker of hers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stranger {
    /// Shows nothing.
    Nobody,
    /// Shows what was never a token.
    Liar,
    /// A member, who has things of their own.
    Member,
    /// Shows a token of that member that is made to look only.
    Reader,
    /// May only look.
    Viewer,
    /// Shows a worker token under which no worker was given anything.
    Worker,
}

const STRANGERS: [Stranger; 6] = [
    Stranger::Nobody,
    Stranger::Liar,
    Stranger::Member,
    Stranger::Reader,
    Stranger::Viewer,
    Stranger::Worker,
];

/// What a route of Ann's or of a worker's answers to them; nothing, if they may use it.
fn refusals(who: &str, stranger: Stranger, names_a_thing: bool) -> anyhow::Result<&'static [u16]> {
    use Stranger::{Liar, Member, Nobody, Reader, Viewer, Worker};
    Ok(match (who, stranger) {
        ("signed-in" | "commanders", Nobody | Liar | Worker)
        | ("workers", Nobody | Liar | Member | Reader | Viewer) => &[401],
        ("commanders", Reader | Viewer) => &[403],
        // What is not theirs is not there.
        ("signed-in" | "commanders", _) if names_a_thing => &[404],
        ("workers", Worker) if names_a_thing => &[404, 410],
        ("anybody" | "watchers" | "clients" | "each-field" | "signed-in" | "commanders", _)
        | ("workers", Worker) => &[],
        (other, _) => bail!("nobody knows who `{other}` are"),
    })
}

/// What there is that a route could be asked for.
struct Things {
    file: String,
    upload: String,
    lease: Value,
    worker: String,
}

impl Things {
    fn in_path(&self, path: &str) -> anyhow::Result<String> {
        let lease = self.lease["lease_id"].as_str().context("a lease")?;
        let named = [
            ("{sha256}", self.file.as_str()),
            ("{id}", &self.upload),
            ("{lease}", lease),
            ("{worker}", &self.worker),
            ("{file}", "index.html"),
        ];
        let mut path = path.to_owned();
        for (parameter, thing) in named {
            path = path.replace(parameter, thing);
        }
        ensure!(!path.contains('{'), "{path} names what this test does not know");
        Ok(path)
    }

    /// A request that would do something, were it not a stranger's.
    fn request(
        &self,
        who: &Caller,
        (method, path): (&Method, &str),
        id: &str,
    ) -> anyhow::Result<RequestBuilder> {
        let path = self.in_path(path)?;
        let request = who.request(method.clone(), &path);
        let fence = &self.lease["fence"];
        Ok(match id {
            "SendFile" | "SendArtifact" => {
                who.request(method.clone(), &format!("{path}?name=a")).body("a")
            }
            "SendLogs" => request
                .header("Content-Type", "application/x-ndjson")
                .header("Greffe-Fence", fence.to_string())
                .header("Greffe-Log-Offset", 0)
                .body("{\"message\":\"m\"}\n"),
            "Settle" => request
                .json(&json!({ "fence": fence, "op_id": Uuid::new_v4(), "outcome": "succeeded" })),
            "Acquire" => {
                request.json(&json!({ "worker_id": self.worker, "request_id": Uuid::new_v4() }))
            }
            "Beat" => request.json(&json!({ "worker_id": self.worker })),
            "RegisterWorker" => {
                request.json(&json!({ "instance_key": "k", "name": "n", "services": ["anything"] }))
            }
            _ => request,
        })
    }
}

#[tokio::test]
async fn every_route_is_for_whom_it_says_and_for_nobody_else() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let worker = Worker::new(&world).await?;
    let things = Things {
        file: ann.files[0].clone(),
        upload: ann.ids[1].clone(),
        lease: worker.take().await?,
        worker: worker.id.clone(),
    };
    let mut callers = Vec::new();
    for stranger in STRANGERS {
        callers.push((stranger, stranger.comes_to(&world).await?));
    }
    let before = ann.everything().await?;
    let document = ann.owner.send(Method::GET, "/api/openapi.json").await?;
    let document: Value = document.json().await?;
    let paths = document["paths"].as_object().context("paths")?;
    let mut asked = 0;
    for (path, methods) in paths {
        for (method, told) in methods.as_object().context("methods")? {
            let method: Method = method.to_uppercase().parse()?;
            let id = told["operationId"].as_str().context("a name")?;
            let who =
                told["x-greffe-who"].as_str().with_context(|| format!("{path}: for whom?"))?;
            let names_a_thing = path.contains('{') || ["Acquire", "Beat"].contains(&id);
            worker.beat(&things.lease, json!({})).await?;
            for (stranger, caller) in &callers {
                let expected = refusals(who, *stranger, names_a_thing)?;
                let answer = things.request(caller, (&method, path), id)?.send().await?;
                let status = answer.status().as_u16();
                let refused = [401, 403].contains(&status);
                let right = if expected.is_empty() {
                    // Whoever comes without a secret is no client: that is what it is asked for.
                    !refused || who == "clients" || (who == "each-field" && status == 401)
                } else {
                    expected.contains(&status)
                };
                ensure!(right, "{stranger:?}: {method} {path} answers {status}, not {expected:?}");
                asked += 1;
            }
        }
    }
    ensure!(20 * STRANGERS.len() < asked, "only {asked} requests were made");
    ensure!(before == ann.everything().await?, "a stranger has changed something");
    let done = worker.settle(&things.lease, json!({ "outcome": "succeeded" })).await?;
    ensure!(done.0 == 200, "a stranger has ended a lease: {}", done.1);
    world.end().await.context("stop")
}

#[tokio::test]
async fn files_and_routes_of_others_are_not_there() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = Belongings::of_ann(&world).await?;
    let before = ann.everything().await?;
    let bob = world.member("bob").await?;
    let nobody = Caller::new(&world.base, "");
    for file in &ann.files {
        let path = format!("/api/artifacts/{file}");
        for method in [Method::GET, Method::HEAD] {
            let own = ann.owner.send(method.clone(), &path).await?;
            ensure!(own.status() == 200, "{method} {path}: {}", own.status());
            let others = bob.send(method.clone(), &path).await?;
            ensure!(others.status() == 404, "{method} {path}: {}", others.status());
            let anybody = nobody.send(method.clone(), &path).await?;
            ensure!(anybody.status() == 401, "{method} {path}: {}", anybody.status());
        }
    }
    for id in &ann.ids {
        for path in [format!("/api/files/{id}"), format!("/api/artifacts/{id}")] {
            let status = bob.send(Method::DELETE, &path).await?.status().as_u16();
            ensure!([404, 405].contains(&status), "DELETE {path}: {status}");
        }
    }
    ensure!(before == ann.everything().await?, "a stranger has changed something");
    world.end().await.context("stop")
}

impl Stranger {
    async fn comes_to(self, world: &World) -> anyhow::Result<Caller> {
        let name = format!("{self:?}").to_lowercase();
        Ok(match self {
            Self::Nobody => Caller::new(&world.base, ""),
            Self::Liar => Caller::new(&world.base, "nonsense"),
            Self::Member => world.member(&name).await?,
            Self::Viewer => world.person(&name, identity::Role::Viewer).await?,
            Self::Reader => {
                let member = world.member(&name).await?;
                let input = json!({ "name": "looks", "scope": "READ" });
                let made = member.mutate("createApiToken", "token", input).await?;
                Caller::new(&world.base, made["token"].as_str().context("a token")?)
            }
            Self::Worker => world.worker().await?,
        })
    }
}
