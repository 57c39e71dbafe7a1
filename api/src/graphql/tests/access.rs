//! Who sees what.

use std::collections::BTreeMap;

use apollo_compiler::{Schema, schema::ExtendedType};
use serde_json::{Value, json};

use super::world::{Person, World, codes, next};
use crate::graphql::sdl;

/// What one may do about accounts and clients.
fn about_accounts() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "changePassword",
            "changePassword(input: { currentPassword: \"x\", password: \"x\" }) { userErrors { code } }",
        ),
        (
            "changeApiClient",
            "changeApiClient(input: { id: \"ID\", services: [] }) { userErrors { code } }",
        ),
        (
            "changeApiClientQuotas",
            "changeApiClientQuotas(input: { id: \"ID\", quotas: {} }) { userErrors { code } }",
        ),
        ("changeRole", "changeRole(input: { id: \"ID\", role: MEMBER }) { userErrors { code } }"),
        (
            "createApiClient",
            "createApiClient(input: { name: \"\", services: [] }) { userErrors { code } }",
        ),
        (
            "createApiToken",
            "createApiToken(input: { name: \"\", scope: READ }) { userErrors { code } }",
        ),
        ("disableApiClient", "disableApiClient(input: { id: \"ID\" }) { userErrors { code } }"),
        ("disableUser", "disableUser(input: { id: \"ID\" }) { userErrors { code } }"),
        ("enableUser", "enableUser(input: { id: \"ID\" }) { userErrors { code } }"),
        ("inviteUser", "inviteUser(input: { email: \"\", role: MEMBER }) { userErrors { code } }"),
        (
            "requestPasswordReset",
            "requestPasswordReset(input: { email: \"\" }) { userErrors { code } }",
        ),
        (
            "resetPassword",
            "resetPassword(input: { token: \"x\", password: \"x\" }) { userErrors { code } }",
        ),
        ("revokeApiToken", "revokeApiToken(input: { id: \"ID\" }) { userErrors { code } }"),
        ("revokeSession", "revokeSession(input: { id: \"ID\" }) { userErrors { code } }"),
        (
            "rotateApiClientSecret",
            "rotateApiClientSecret(input: { id: \"ID\" }) { userErrors { code } }",
        ),
        ("signOutEverywhere", "signOutEverywhere { userErrors { code } }"),
        ("signUp", "signUp(input: { email: \"\", password: \"x\" }) { userErrors { code } }"),
    ]
}

const QUERIES: [(&str, &str); 19] = [
    ("apiClients", "apiClients { id }"),
    ("registration", "registration"),
    ("users", "users { totalCount }"),
    ("events", "events { position }"),
    ("job", "job(id: \"ID\") { id }"),
    ("jobs", "jobs { totalCount }"),
    ("journal", "journal { head }"),
    ("land", "land(id: \"ID\") { id }"),
    ("lands", "lands { totalCount }"),
    ("linkGraph", "linkGraph(crawlId: \"ID\") { hasMore }"),
    ("links", "links(crawlId: \"ID\") { totalCount }"),
    ("node", "node(id: \"ID\") { id }"),
    ("nodes", "nodes(ids: [\"ID\"]) { id }"),
    ("page", "page(crawlId: \"ID\", number: 0) { url }"),
    ("pages", "pages(crawlId: \"ID\") { totalCount }"),
    ("services", "services { name }"),
    ("statistics", "statistics { from }"),
    ("viewer", "viewer { id }"),
    ("workers", "workers { id }"),
];

/// An operation for every root field, by its name.
fn operations(id: &str) -> BTreeMap<(&'static str, &'static str), String> {
    let mutations = [
        ("changeLand", "changeLand(input: { id: \"ID\" }) { userErrors { code } }"),
        ("createLand", "createLand(input: { name: \"a\" }) { userErrors { code } }"),
        ("deleteLand", "deleteLand(input: { id: \"ID\" }) { userErrors { code } }"),
        ("startCrawl", "startCrawl(input: { seeds: [] }) { userErrors { code } }"),
        (
            "requestReport",
            "requestReport(input: { template: \"x\", sources: [] }) { userErrors { code } }",
        ),
        ("cancelJob", "cancelJob(input: { id: \"ID\" }) { userErrors { code } }"),
        (
            "createTask",
            "createTask(input: { service: \"anything\", body: {} }) { userErrors { code } }",
        ),
        (
            "refreshSession",
            "refreshSession(input: { refreshToken: \"x\" }) { userErrors { code } }",
        ),
        ("pauseJob", "pauseJob(input: { id: \"ID\" }) { userErrors { code } }"),
        ("resumeJob", "resumeJob(input: { id: \"ID\" }) { userErrors { code } }"),
        ("retryJob", "retryJob(input: { id: \"ID\" }) { userErrors { code } }"),
        ("signIn", "signIn(input: { email: \"a@b\", password: \"x\" }) { userErrors { code } }"),
        ("signOut", "signOut { signedOut }"),
        ("transferJob", "transferJob(input: { id: \"ID\", to: \"ID\" }) { userErrors { code } }"),
        ("transferLand", "transferLand(input: { id: \"ID\", to: \"ID\" }) { userErrors { code } }"),
        (
            "transferOwnership",
            "transferOwnership(input: { from: \"ID\", to: \"ID\" }) { userErrors { code } }",
        ),
    ];
    let subscriptions = [
        ("job", "job(id: \"ID\") { cursor }"),
        ("jobEvents", "jobEvents { cursor }"),
        ("statistics", "statistics { from }"),
    ];
    let spelled = |root, kind: &str, (name, text): (&'static str, &str)| {
        ((root, name), format!("{kind} {{ {} }}", text.replace("ID", id)))
    };
    let queries = QUERIES.map(|it| spelled("Query", "query", it));
    let mutations = mutations.into_iter().chain(about_accounts());
    let mutations = mutations.map(|it| spelled("Mutation", "mutation", it));
    let subscriptions = subscriptions.map(|it| spelled("Subscription", "subscription", it));
    queries.into_iter().chain(mutations).chain(subscriptions).collect()
}

/// What the first answer says is wrong.
async fn complaints(world: &World, who: Option<&Person>, root: &str, text: &str) -> Vec<String> {
    let answer = if root == "Subscription" {
        next(&mut world.follow(who, text, json!({}))).await.unwrap()
    } else {
        world.ask(who, text, json!({})).await
    };
    codes(&answer).into_iter().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn a_root_field_is_open_to_those_whom_its_description_names_and_to_nobody_else() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let abe = world.person("abe", identity::Role::Admin).await;
    let job = world.task(&ada).await.to_string();
    let operations = operations(&job);
    let schema = Schema::parse(sdl(), "schema.graphql").unwrap();
    let mut seen = 0;
    for root in ["Query", "Mutation", "Subscription"] {
        for (name, field) in &schema.get_object(root).unwrap().fields {
            let description = field.description.as_deref().unwrap_or_default().replace('\n', " ");
            let (_, text) = operations
                .iter()
                .find(|((it, field), _)| *it == root && *field == name.as_str())
                .unwrap_or_else(|| panic!("{root}.{name} is not tried"));
            let is_public = description.contains("Public");
            let is_for_auditors = description.contains("For admins and operators");
            let is_for_admins = description.contains("For admins") && !is_for_auditors;
            // Signing out would end it for those who come later.
            let of_one = !name.starts_with("signOut");
            let nobody = complaints(&world, None, root, text).await;
            let expected: &[&str] = if is_public { &[] } else { &["UNAUTHENTICATED"] };
            assert_eq!(nobody, expected, "{root}.{name}, to nobody");
            if of_one {
                let member = complaints(&world, Some(&ada), root, text).await;
                let expected: &[&str] =
                    if is_for_auditors || is_for_admins { &["FORBIDDEN"] } else { &[] };
                assert_eq!(member, expected, "{root}.{name}, to a member");
                let operator = complaints(&world, Some(&olga), root, text).await;
                let expected: &[&str] = if is_for_admins { &["FORBIDDEN"] } else { &[] };
                assert_eq!(operator, expected, "{root}.{name}, to an operator");
                let admin = complaints(&world, Some(&abe), root, text).await;
                assert_eq!(admin, [""; 0], "{root}.{name}, to an admin");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, operations.len(), "operations of fields that are gone");
}

/// Every field that every type has, as deep as it goes.
fn everything(schema: &Schema, name: &str, depth: usize) -> String {
    let fields = match &schema.types[name] {
        ExtendedType::Object(it) => &it.fields,
        ExtendedType::Interface(it) => &it.fields,
        ExtendedType::Scalar(_) | ExtendedType::Enum(_) => return String::new(),
        ExtendedType::Union(_) | ExtendedType::InputObject(_) => panic!("not in a job: {name}"),
    };
    let inside = fields.values().filter_map(|field| {
        let ty = field.ty.inner_named_type();
        let is_leaf = matches!(&schema.types[ty], ExtendedType::Scalar(_) | ExtendedType::Enum(_));
        if is_leaf {
            return Some(field.name.to_string());
        }
        (0 < depth).then(|| format!("{} {}", field.name, everything(schema, ty, depth - 1)))
    });
    format!("{{ {} }}", inside.collect::<Vec<String>>().join(" "))
}

#[tokio::test]
async fn nobody_sees_or_touches_what_is_anothers() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let fence = world.lease(job).await;
    world.complete(job, fence, json!({ "secret": 1 })).await;
    world.settled().await;
    let id = json!({ "id": job });

    let data = world.data(&bob, "query($id: ID!) { job(id: $id) { id } }", id.clone()).await;
    assert_eq!(data["job"], Value::Null);
    let data = world.data(&bob, "query($id: ID!) { node(id: $id) { id } }", id.clone()).await;
    assert_eq!(data["node"], Value::Null);
    let nodes = "query($a: ID!, $b: ID!) { nodes(ids: [$a, $b]) { id } }";
    let data = world.data(&bob, nodes, json!({ "a": job, "b": bob.id })).await;
    assert_eq!(data["nodes"], json!([null, { "id": bob.id }]));
    let data =
        world.data(&bob, "{ jobs { totalCount nodes { id } edges { cursor } } }", json!({})).await;
    assert_eq!(data["jobs"], json!({ "totalCount": 0, "nodes": [], "edges": [] }));
    let of_ada = "query($id: ID!) { jobs(filter: { owner: $id }) { totalCount nodes { id } } }";
    let data = world.data(&bob, of_ada, json!({ "id": ada.id })).await;
    assert_eq!(data["jobs"], json!({ "totalCount": 0, "nodes": [] }));

    let head = world.head().await;
    for field in ["cancelJob", "pauseJob", "resumeJob", "retryJob"] {
        let text = format!(
            "mutation($id: ID!) {{ {field}(input: {{ id: $id }}) {{
                job {{ id }} position userErrors {{ code path }}
            }} }}"
        );
        let data = world.data(&bob, &text, id.clone()).await;
        let unknown = json!({ "id": uuid::Uuid::nil() });
        assert_eq!(data, world.data(&bob, &text, unknown).await, "as if there were none");
        assert_eq!(
            data[field]["userErrors"],
            json!([{ "code": "NOT_FOUND", "path": ["input", "id"] }])
        );
        assert_eq!(data[field]["position"], Value::Null);
    }
    assert_eq!(world.head().await, head, "nothing was written");

    let watch = "subscription($id: ID!) { job(id: $id, after: \"0\") { cursor } }";
    let refused = next(&mut world.follow(Some(&bob), watch, id)).await.unwrap();
    assert_eq!(codes(&refused), ["NOT_FOUND"]);
    let all = "subscription { jobEvents(after: \"0\") { caughtUp events { __typename } } }";
    let frame = next(&mut world.follow(Some(&bob), all, json!({}))).await.unwrap();
    assert_eq!(frame["data"]["jobEvents"], json!({ "caughtUp": true, "events": [] }));
}

#[tokio::test]
async fn every_field_of_a_job_can_be_read_by_its_owner_and_by_operators() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let job = world.task(&ada).await;
    let fence = world.lease(job).await;
    world.progress(job, fence, 40).await;
    let entry = r#"{"level":"info","message":"hello"}"#.to_owned();
    let lease = domain::LeaseId { job, fence };
    world.sides.reader.append_log(lease, 0, &[entry]).await.unwrap();
    world.complete(job, fence, json!({ "answer": 42 })).await;
    world.settled().await;
    let schema = Schema::parse(sdl(), "schema.graphql").unwrap();
    let text = format!(
        "query($id: ID!) {{ job(id: $id) {{ ... on Task {} }} }}",
        everything(&schema, "Task", 3)
    );
    let mine = world.data(&ada, &text, json!({ "id": job })).await["job"].take();
    assert_eq!(mine["owner"]["email"], ada.email);
    assert_eq!(mine["progress"]["percent"], 40.0);
    assert_eq!(mine["result"], json!({ "answer": 42 }));
    assert_eq!(mine["log"][0]["entry"]["message"], "hello");
    assert_eq!(mine["worker"]["id"], super::world::worker().to_string());
    let types = |list: &Value| -> Vec<String> {
        let types =
            list.as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap().to_owned());
        types.collect()
    };
    let happened = ["TaskCreated", "LeaseGranted", "ProgressReported", "TaskCompleted"];
    assert_eq!(types(&mine["timeline"]), happened);
    assert_eq!(types(&mine["events"]), happened);
    for event in mine["events"].as_array().unwrap() {
        assert_eq!(event["intact"], true);
        assert_eq!(event["metadata"], Value::Null, "metadata are for auditors");
        assert_eq!(event["hash"].as_str().unwrap().len(), 64);
    }
    let theirs = world.data(&olga, &text, json!({ "id": job })).await["job"].take();
    assert_eq!(theirs["owner"]["email"], ada.email);
    assert_eq!(theirs["events"][0]["metadata"]["actor"], format!("user:{}", ada.id));
}

#[tokio::test]
async fn auditors_read_the_journal_in_order() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let before = world.head().await;
    let (one, other) = (world.task(&ada).await, world.task(&ada).await);
    world.settled().await;
    let after = |position: u64| json!({ "after": position.to_string() });
    let text =
        "query($after: Position) { events(after: $after, first: 1) { position stream actor } }";
    let first = world.data(&olga, text, after(before)).await["events"][0].take();
    assert_eq!(first["position"], (before + 1).to_string());
    assert_eq!(first["stream"], format!("job-{one}"));
    assert_eq!(first["actor"], format!("user:{}", ada.id));
    let second = world.data(&olga, text, after(before + 1)).await["events"][0].take();
    assert_eq!(second["stream"], format!("job-{other}"));
    let none = world.data(&olga, text, after(before + 2)).await;
    assert_eq!(none["events"], json!([]));
}
