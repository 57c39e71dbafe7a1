//! Reports: asked for, refused, looked at by their owner, and by nobody else.

use artifacts::{Reference, Subject};
use bytes::Bytes;
use domain::{
    JobId,
    artifact::{Artifact, Sha256},
    job::{Closing, JobCommand, Writer, Written},
    report::{
        CitedPassage, FieldKind, FieldProvenance, FieldStatus, Language, Missing, Provenance,
        ReportInput, SourceFault, SourceProvenance,
    },
};
use expect_test::expect;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{Person, World, codes, now};

const REQUEST: &str = "mutation($input: RequestReportInput!) { requestReport(input: $input) {
    report { id state service writer template sources { sha256 name error { code } }
        document { name } fields { key } fieldsFilled }
    position userErrors { code message path }
} }";

/// A file of somebody's.
async fn upload(world: &World, owner: &Person, content: &'static str) -> Sha256 {
    let files = &world.sides.artifacts;
    let stored = files.put_bytes(Bytes::from_static(content.as_bytes()), now()).await.unwrap();
    let reference = Reference {
        owner: owner.id.0,
        subject: Subject::Upload(Uuid::new_v4()),
        name: "a file".to_owned(),
        media_type: "text/plain".to_owned(),
    };
    files.refer(&stored.sha256, reference, now()).await.unwrap();
    Sha256::new(stored.sha256)
}

async fn asked(world: &World, who: &Person, input: &Value) -> Value {
    world.data(who, REQUEST, json!({ "input": input })).await["requestReport"].clone()
}

/// What is asked for with these files, and nothing wrong with it.
fn input(template: Sha256, source: Sha256) -> Value {
    json!({
        "template": template,
        "sources": [{ "sha256": source, "name": "Dossier Exemple.txt" }],
        "values": [{ "key": "NAME", "value": "Exemple" }],
        "fields": [{ "key": "NIVEAU", "kind": "CONSTRAINED", "allowed": ["A1", "B2"] }],
        "place": "Genève", "date": "2026-03-07", "writer": "EXTRACTIVE", "language": "DE",
    })
}

#[tokio::test]
async fn a_report_that_was_asked_for_keeps_what_is_personal_out_of_the_journal() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let (template, source) = (upload(&world, &ada, "t").await, upload(&world, &ada, "s").await);
    let payload = asked(&world, &ada, &input(template, source)).await;
    assert_eq!(payload["userErrors"], json!([]));
    let report = &payload["report"];
    assert_eq!((&report["state"], &report["writer"]), (&json!("QUEUED"), &json!("EXTRACTIVE")));
    let told = json!([{
        "sha256": source, "name": "Dossier Exemple.txt", "error": null,
    }]);
    assert_eq!(report["sources"], told);
    assert_eq!((&report["document"], &report["fields"]), (&Value::Null, &json!([])));

    let id: JobId = report["id"].as_str().unwrap().parse().unwrap();
    world.heard().await;
    let facts = world.sides.feed.job_events(id, 0, 10).await.unwrap();
    let event = domain::EventType::encode(facts[0].of_job().unwrap().1).unwrap();
    for secret in ["Exemple", "Genève", "NIVEAU", "2026-03-07"] {
        assert!(!event.contains(secret), "{event}");
    }
    let event: Value = serde_json::from_str(&event).unwrap();
    let kept: Sha256 = serde_json::from_value(event["report"]["input"].clone()).unwrap();
    let bytes = world.sides.artifacts.read(&kept.bytes(), 10_000).await.unwrap();
    let kept: ReportInput = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&*kept.values[0].value, kept.place.as_deref()), ("Exemple", Some("Genève")));
    assert_eq!((kept.salt.len(), kept.language), (64, Some(Language::De)));
}

#[tokio::test]
async fn the_same_key_gives_the_same_report_and_keeps_no_second_copy() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let (template, source) = (upload(&world, &ada, "t").await, upload(&world, &ada, "s").await);
    let mut input = input(template, source);
    input["language"] = Value::Null;
    input["idempotencyKey"] = json!("once");
    let first = asked(&world, &ada, &input).await;
    let again = asked(&world, &ada, &input).await;
    assert_eq!(first["report"]["id"], again["report"]["id"]);
    for (part, other) in [("/values/0/value", "Autre"), ("/language", "IT")] {
        let mut input = input.clone();
        *input.pointer_mut(part).unwrap() = json!(other);
        let other = asked(&world, &ada, &input).await;
        assert_eq!(other["userErrors"][0]["code"], "KEY_REUSED", "{part}");
    }
}

/// Whoever reads the table cannot try names until one fits.
#[tokio::test]
async fn what_is_kept_to_know_an_input_again_by_tells_nothing_of_it() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let cancel = "mutation($input: CancelJobInput!) { cancelJob(input: $input) \
        { userErrors { code } } }";
    let input = json!({ "id": job, "reason": "Exemple", "idempotencyKey": "once" });
    world.data(&ada, cancel, json!({ "input": input })).await;
    let digest = super::super::digest::of(&json!({ "id": job, "reason": "Exemple" }));
    let kept = world.digests().await;
    assert_eq!(kept, [world.sides.identity.blinded(&digest).to_vec()]);
    assert_ne!(kept, [digest.to_vec()]);
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_with_the_part_that_is_at_fault() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let (template, source) = (upload(&world, &ada, "t").await, upload(&world, &ada, "s").await);
    let hers = upload(&world, &bob, "of somebody else").await;
    let head = world.head().await;
    let refused = async |path: &str, value: Value| {
        let mut input = input(template, source);
        *input.pointer_mut(path).unwrap() = value;
        let payload = asked(&world, &ada, &input).await;
        assert_eq!(payload["report"], Value::Null);
        payload["userErrors"][0].to_string()
    };
    expect![[r#"{"code":"INVALID","message":"template: 64 hexadecimal digits, as the upload answered","path":["input","template"]}"#]]
        .assert_eq(&refused("/template", json!("../../etc/passwd")).await);
    expect![[r#"{"code":"INVALID","message":"template: a file of yours, uploaded before","path":["input","template"]}"#]]
        .assert_eq(&refused("/template", json!(hers)).await);
    expect![[r#"{"code":"INVALID","message":"sources/0: a file of yours, uploaded before","path":["input","sources","0"]}"#]]
        .assert_eq(&refused("/sources/0/sha256", json!(hers)).await);
    expect![[r#"{"code":"INVALID","message":"sources: between 1 and 1000 of them","path":["input","sources"]}"#]]
        .assert_eq(&refused("/sources", json!([])).await);
    expect![[r#"{"code":"INVALID","message":"values/0/value: plain text, neither placeholder nor JSON","path":["input","values","0","value"]}"#]]
        .assert_eq(&refused("/values/0/value", json!("{{SURNAME}}")).await);
    expect![[r#"{"code":"INVALID","message":"fields/0/allowed: given for a constrained field, and for no other","path":["input","fields","0","allowed"]}"#]]
        .assert_eq(&refused("/fields/0/allowed", json!([])).await);
    expect![[
        r#"{"code":"INVALID","message":"date: a day, such as 2027-03-01","path":["input","date"]}"#
    ]]
    .assert_eq(&refused("/date", json!("7 mars")).await);
    assert_eq!(world.head().await, head, "nothing was written");
}

#[tokio::test]
async fn those_who_only_look_have_nothing_written() {
    let world = World::new().await;
    let eve = world.person("eve", identity::Role::Viewer).await;
    let (template, source) = (upload(&world, &eve, "t").await, upload(&world, &eve, "s").await);
    let payload = asked(&world, &eve, &input(template, source)).await;
    assert_eq!(payload["userErrors"][0]["code"], "FORBIDDEN");
}

fn provenance(source: Sha256) -> Provenance {
    let empty = FieldProvenance {
        key: "STAGE".into(),
        kind: FieldKind::Narrative,
        value: String::new(),
        status: FieldStatus::Empty,
        writer: None,
        missing: Some(Missing::NoSource),
        passages: Vec::new(),
    };
    let passage =
        CitedPassage { source: 0, page: Some(2), excerpt: "niveau B2".into(), score: 1.5 };
    let written = FieldProvenance {
        key: "NIVEAU".into(),
        kind: FieldKind::Constrained,
        value: "B2".into(),
        status: FieldStatus::Written,
        writer: Some(Writer::Extractive),
        missing: None,
        passages: vec![passage],
    };
    let error = Some(SourceFault { code: "encrypted".into(), message: "it is locked".into() });
    let sources = vec![SourceProvenance {
        name: Some("Dossier Exemple.txt".into()),
        sha256: source,
        pages: None,
        truncated: false,
        pages_unread: 3,
        pages_cut: 0,
        error,
    }];
    Provenance { salt: "s".into(), fields: vec![written, empty], sources }
}

/// A report of hers that is written, and tells this of itself.
async fn written(world: &World, ada: &Person, tells: impl FnOnce(Sha256) -> Provenance) -> JobId {
    let (template, source) = (upload(world, ada, "t").await, upload(world, ada, "s").await);
    let payload = asked(world, ada, &input(template, source)).await;
    let id: JobId = payload["report"]["id"].as_str().unwrap().parse().unwrap();
    let bytes = Bytes::from(serde_json::to_vec(&tells(source)).unwrap());
    let stored = world.sides.artifacts.put_bytes(bytes, now()).await.unwrap();
    let file = |name: &str| Artifact {
        sha256: Sha256::new(stored.sha256),
        name: name.to_owned(),
        bytes: stored.bytes,
    };
    let fence = world.lease(id).await;
    let written = Written {
        provenance: file("provenance.json"),
        filled: 1,
        empty: 1,
        writers: vec![Writer::Extractive],
    };
    let done = JobCommand::CompleteReport {
        fence,
        document: file("report.docx"),
        errors: 1,
        written: Some(written),
        closing: Closing::default(),
    };
    world.work(id, done).await;
    world.caught_up().await;
    id
}

/// Must never: an answer that reads one large file again for each alias.
#[tokio::test]
async fn the_fields_of_a_report_are_paid_for_and_read_once() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let id = written(&world, &ada, |source| {
        let mut told = provenance(source);
        let cited = told.fields[0].passages[0].clone();
        let long = CitedPassage { excerpt: "x".repeat(3_500), ..cited };
        told.fields[0].passages = vec![long; 4];
        told.fields = vec![told.fields[0].clone(); 2_000];
        told
    })
    .await
    .to_string();
    let of = |selected: &str| {
        format!("query($id: ID!) {{ job(id: $id) {{ ... on Report {{ {selected} }} }} }}")
    };
    let ask = async |query: &str| world.ask(&ada, query, json!({ "id": id })).await;
    let passages = "fields { passages { source } }";
    let once = ask(&of(passages)).await;
    assert_eq!(once["data"]["job"]["fields"].as_array().map(Vec::len), Some(2_000), "{once}");
    let twice = ask(&of(&format!("{passages} again: {passages}"))).await;
    assert_eq!(codes(&twice), ["QUERY_TOO_EXPENSIVE"]);
    let aliases: Vec<_> = (0..45).map(|it| format!("a{it}: sources {{ pages }}")).collect();
    let cheap = ask(&of(&aliases.join(" "))).await;
    assert_eq!(codes(&cheap), Vec::<&str>::new(), "it is read once, and that is what costs");
}

#[tokio::test]
async fn a_report_that_is_written_shows_its_fields_to_its_owner_and_to_nobody_else() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let id = written(&world, &ada, provenance).await;
    let query = "query($id: ID!) { job(id: $id) { succeededWithErrors ... on Report {
        document { name url mediaType } provenance { name } writers fieldsFilled fieldsEmpty
        fields { key kind value status writer missing passages { source page excerpt score } }
        sources { name error { code } } } } }";
    let data = world.data(&ada, query, json!({ "id": id.to_string() })).await;
    let job = &data["job"];
    assert_eq!(job["succeededWithErrors"], true);
    assert_eq!(job["document"]["name"], "report.docx");
    assert_eq!(job["document"]["mediaType"], Value::Null, "nobody refers to it in this test");
    assert_eq!((&job["fieldsFilled"], &job["fieldsEmpty"]), (&json!(1), &json!(1)));
    assert_eq!(job["writers"], json!(["EXTRACTIVE"]));
    let source = json!([{ "name": "Dossier Exemple.txt", "error": { "code": "encrypted" } }]);
    assert_eq!(job["sources"], source);
    let fields = json!([
        {
            "key": "NIVEAU", "kind": "CONSTRAINED", "value": "B2", "status": "WRITTEN",
            "writer": "EXTRACTIVE", "missing": null,
            "passages": [{ "source": 0, "page": 2, "excerpt": "niveau B2", "score": 1.5 }],
        },
        {
            "key": "STAGE", "kind": "NARRATIVE", "value": "", "status": "EMPTY",
            "writer": null, "missing": "NO_SOURCE", "passages": [],
        },
    ]);
    assert_eq!(job["fields"], fields);

    let data = world.data(&bob, query, json!({ "id": id.to_string() })).await;
    assert_eq!(data["job"], Value::Null);
    let anonymous = world.ask(None, query, json!({ "id": id.to_string() })).await;
    assert_eq!(codes(&anonymous), ["UNAUTHENTICATED"]);
}
