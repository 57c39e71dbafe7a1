//! Reports, from what is asked for to the document, on a real database and real
//! files.

mod failing_model;
mod leftovers;
mod model;
mod partial_source;
mod progress;
mod world;

use std::{
    io::{Cursor, Read, Write as _},
    time::Duration,
};

use artifacts::Subject;
use bytes::Bytes;
use domain::{
    artifact::Sha256,
    job::{
        FailureCause, JobCommand, JobEvent, Phase, ReportCompleted, ReportEvent, ReportSpec,
        Writer, WriterChoice, Written,
    },
    report::{FieldStatus, GivenValue, Missing, ReportInput},
};

use model::Model;
use world::{OWNER, World, eventually};

const TEMPLATE: &[u8] = include_bytes!("../../app/demo-report/template.docx");
const SOURCES: [(&str, &[u8]); 3] = [
    ("interview.pdf", include_bytes!("../../app/demo-report/interview.pdf")),
    ("placement.docx", include_bytes!("../../app/demo-report/placement.docx")),
    ("notes.txt", include_bytes!("../../app/demo-report/notes.txt")),
];

/// What is known of somebody who does not exist.
fn input() -> ReportInput {
    let value = |key: &str, value: &str| GivenValue { key: key.into(), value: value.into() };
    ReportInput {
        salt: "salt".into(),
        names: SOURCES.iter().map(|it| Some(it.0.to_owned())).collect(),
        values: vec![value("NAME", "Exemple & Fils"), value("surname", "Camille")],
        place: Some("Genève".into()),
        date: "2026-03-07".parse().ok(),
        ..ReportInput::default()
    }
}

async fn spec(world: &World, sources: &[&[u8]]) -> ReportSpec {
    let mut uploaded = Vec::new();
    for source in sources {
        uploaded.push(world.upload(source).await);
    }
    ReportSpec::of(world.upload(TEMPLATE).await, uploaded)
}

async fn whole(world: &World) -> ReportSpec {
    spec(world, &SOURCES.map(|it| it.1)).await
}

fn completed(event: JobEvent) -> (ReportCompleted, Written) {
    let JobEvent::Report(ReportEvent::ReportCompleted(it)) = event else { panic!("{event:?}") };
    let written = it.written.clone().unwrap();
    (it, written)
}

/// Everything that stands in the parts of a document.
fn text(document: Bytes) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(document)).unwrap();
    let mut text = String::new();
    for at in 0..archive.len() {
        archive.by_index(at).unwrap().read_to_string(&mut text).unwrap();
    }
    text
}

#[tokio::test]
async fn a_report_is_written_from_its_sources_and_says_from_where() {
    let mut world = World::new().await;
    world.start(None);
    let job = world.request(whole(&world).await, &input()).await;
    let (state, last) = world.ended(job).await;
    assert_eq!(state.phase, Phase::Succeeded, "{:?}", state.last_error);
    let (done, written) = completed(last);
    assert_eq!((done.errors, &*done.document.name), (0, "report.docx"));
    assert_eq!(written.writers, [Writer::Extractive]);

    let provenance = world.provenance(written.provenance.sha256).await;
    let told = provenance.fields.iter().map(|it| format!("{}: {}\n", it.key, it.value));
    expect_test::expect![[r"
        SURNAME: Camille
        NAME: Exemple & Fils
        NUMERO_AVS: 756.9217.0769.85
        PROFESSION: Menuisière, puis dessinatrice en menuiserie
        LANGUE_ANGLAIS: B2
        TEST_ATTENTION: À renforcer
        PERMIS: 
        FORMATION: Camille Exemple a suivi une formation de menuisière à l'école des métiers. Cette formation a duré quatre ans et s'est achevée par un certificat fédéral de capacité. Une formation complémentaire de dessin assisté par ordinateur a suivi en 2021.
        STAGE: Le stage s'est déroulé pendant six semaines au bureau technique de la menuiserie du Lac. Pendant le stage, les plans de douze commandes ont été dessinés sans erreur.
        POINTS_FORTS: précision
        ponctualité
        goût du dessin
        OBSTACLES: Le principal obstacle est le port de charges, que le médecin limite à dix kilos. Les déplacements ne sont pas un obstacle.
        CONCLUSION: Une reprise à 80 % comme dessinatrice en menuiserie est réaliste. En conclusion, l'équipe recommande un contrat d'essai de trois mois.
        LIEU_ET_DATE: Genève, le 07/03/2026
    "]]
    .assert_eq(&told.collect::<Vec<_>>().concat());
    assert_eq!(written.filled + written.empty, provenance.fields.len() as u64);
    let permit = provenance.fields.iter().find(|it| it.key == "PERMIS").unwrap();
    assert_eq!((permit.status, permit.missing), (FieldStatus::Empty, Some(Missing::NoSource)));
    let training = provenance.fields.iter().find(|it| it.key == "FORMATION").unwrap();
    assert_eq!((training.passages[0].source, training.passages[0].page), (0, Some(1)));
    let pages: Vec<_> = provenance.sources.iter().map(|it| it.pages).collect();
    assert_eq!(pages, [Some(2), None, None]);

    let text = text(world.read(done.document.sha256).await);
    assert!(!text.contains("{{") && text.contains("Exemple &amp; Fils"), "{text}");
    assert_eq!(text.matches("756.9217.0769.85").count(), 2, "both faces of the text box");
    for file in [&done.document, &written.provenance] {
        let kept = world.files.refers(Subject::Job(job.0), &file.sha256.bytes()).await.unwrap();
        assert!(kept, "{} is kept for the job", file.name);
        let readable = world.files.readable(&file.sha256.bytes(), Some(OWNER.0)).await.unwrap();
        assert_eq!(readable.unwrap().name, file.name);
    }
    world.stopped().await;
}

#[tokio::test]
async fn neither_events_nor_the_log_say_what_the_files_say() {
    let mut world = World::new().await;
    world.start(None);
    let job = world.request(whole(&world).await, &input()).await;
    world.ended(job).await;
    let mut told = world.log(job).await;
    assert!(told.contains("FORMATION: written by extractive"), "{told}");
    for event in world.events(job).await {
        told.push_str(&domain::EventType::encode(&event).unwrap());
    }
    // Hashes and times have digits too: a number is whole, in either way that it is written.
    let number = ["756.9217", "7569217"];
    let words = ["Camille", "Exemple", "menuisi", "notes.txt", "interview", "Genève"];
    for secret in words.into_iter().chain(number) {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    world.stopped().await;
}

/// Must never: log lines that are lost, because only the last one is kept.
#[tokio::test]
async fn every_field_leaves_its_line_in_the_log() {
    let mut world = World::new().await;
    world.start(None);
    let job = world.request(whole(&world).await, &input()).await;
    let (_, written) = completed(world.ended(job).await.1);
    let log = world.log(job).await;
    let fields = world.provenance(written.provenance.sha256).await.fields;
    let keys: Vec<&str> = fields.iter().map(|it| it.key.as_str()).collect();
    let mut told = Vec::new();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let key = line["message"].as_str().unwrap().split(": ").next().unwrap();
        told.extend(keys.iter().find(|it| **it == key).copied());
    }
    assert_eq!(told, keys, "{log}");
    world.stopped().await;
}

/// Must never: two reports that write over each other.
#[tokio::test]
async fn reports_that_are_made_at_once_have_documents_of_their_own() {
    let mut world = World::new().await;
    world.start(None);
    let spec = whole(&world).await;
    let mut jobs = Vec::new();
    for name in ["Premier", "Second"] {
        let value = GivenValue { key: "NAME".into(), value: name.into() };
        let input = ReportInput { values: vec![value], ..input() };
        jobs.push((name, world.request(spec.clone(), &input).await));
    }
    let mut documents = Vec::new();
    for (name, job) in jobs {
        let (done, written) = completed(world.ended(job).await.1);
        let text = text(world.read(done.document.sha256).await);
        let other = if name == "Premier" { "Second" } else { "Premier" };
        assert!(text.contains(name) && !text.contains(other), "{text}");
        for file in [done.document.sha256, written.provenance.sha256] {
            let kept = world.files.refers(Subject::Job(job.0), &file.bytes()).await.unwrap();
            assert!(kept, "{name}");
        }
        documents.push(done.document.sha256);
    }
    assert_ne!(documents[0], documents[1]);
    world.stopped().await;
}

/// Must never: a model that is asked for everything at once.
#[tokio::test]
async fn no_more_reports_are_written_at_once_than_there_are_hands() {
    let mut world = World::new().await;
    let model = Model::answering(1).await;
    world.start_with(Some(model.ollama.clone()), 1);
    let spec = whole(&world).await;
    let first = world.request(spec.clone(), &input()).await;
    eventually("its second field is asked for", async || model.asked() == 2).await;
    let second = world.request(spec, &input()).await;
    model.answer(3);
    eventually("its fifth field is asked for", async || model.asked() == 5).await;
    assert_eq!(world.job(second).await.phase, Phase::Queued);
    model.answer(100);
    assert_eq!(world.ended(first).await.0.phase, Phase::Succeeded);
    assert_eq!(world.ended(second).await.0.phase, Phase::Succeeded);
    world.stopped().await;
}

/// Must never: a model that is asked about what no source speaks of.
#[tokio::test]
async fn a_model_is_asked_for_those_fields_only_that_a_source_speaks_of() {
    let mut world = World::new().await;
    let model = Model::answering(100).await;
    world.start(Some(model.ollama.clone()));
    let source: &[u8] = "Profession : menuisière. Formation : école des métiers.".as_bytes();
    let spec = spec(&world, &[source]).await;
    let job = world.request(spec, &ReportInput { names: vec![None], ..input() }).await;
    let (_, written) = completed(world.ended(job).await.1);
    let fields = world.provenance(written.provenance.sha256).await.fields;
    let asked = fields.iter().filter(|it| it.writer == Some(Writer::Ollama));
    let asked: Vec<&str> = asked.map(|it| it.key.as_str()).collect();
    assert_eq!(asked, ["PROFESSION", "FORMATION"]);
    assert_eq!(model.asked(), 2);
    for field in fields.iter().filter(|it| it.missing == Some(Missing::NoSource)) {
        assert_eq!((&*field.value, field.passages.len()), ("", 0), "{}", field.key);
    }
    world.stopped().await;
}

/// A document of one paragraph.
fn word(says: &str) -> Vec<u8> {
    let xml = format!(
        "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body><w:p><w:r><w:t>{says}</w:t></w:r></w:p></w:body></w:document>"
    );
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Override PartName=\"/word/document.xml\" ContentType=\"application/\
        vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    for (part, content) in [("[Content_Types].xml", types), ("word/document.xml", &*xml)] {
        archive.start_file(part, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Must never: a success of which nothing has been written at all.
#[tokio::test]
async fn a_document_without_a_word_in_its_fields_is_no_success() {
    let mut world = World::new().await;
    world.start(None);
    let template = world.upload(&word("{{PERMIS}} {{FORMATION}}")).await;
    let spec = ReportSpec { template, ..spec(&world, &[b"The weather is fine today."]).await };
    let job = world.request(spec, &ReportInput::default()).await;
    let (state, _) = world.ended(job).await;
    assert_eq!(state.phase, Phase::Failed);
    let error = state.last_error.unwrap();
    assert_eq!((&*error.error_type, error.retryable), ("nothing_known", false));
    world.stopped().await;
}

/// By number: their names may be personal, and this goes on record.
#[tokio::test]
async fn when_no_source_can_be_read_each_is_told_of() {
    let mut world = World::new().await;
    world.start(None);
    let spec = spec(&world, &[b"PK\x03\x04 nothing", b""]).await;
    let job = world.request(spec, &input()).await;
    let (state, _) = world.ended(job).await;
    expect_test::expect!["none of the 2 sources can be read: source 1, the file is not what its name says; source 2, the file is neither PDF, DOCX nor plain text"].assert_eq(&state.last_error.unwrap().message);
    world.stopped().await;
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_named_and_the_report_succeeds_with_errors() {
    let mut world = World::new().await;
    world.start(None);
    let spec = spec(&world, &[SOURCES[0].1, b"PK\x03\x04 nothing", SOURCES[2].1]).await;
    let job = world.request(spec, &input()).await;
    let (done, written) = completed(world.ended(job).await.1);
    assert_eq!(done.errors, 1);
    let sources = world.provenance(written.provenance.sha256).await.sources;
    let codes: Vec<_> = sources.iter().map(|it| it.error.as_ref().map(|it| &*it.code)).collect();
    assert_eq!(codes, [None, Some("damaged"), None]);
    let log = world.log(job).await;
    assert!(log.contains("source 2 is left out: damaged"), "{log}");
    world.stopped().await;
}

#[tokio::test]
async fn what_cannot_come_to_anything_fails_at_once_and_says_why() {
    let mut world = World::new().await;
    world.start(None);
    let unreadable = spec(&world, &[b"PK\x03\x04 nothing", b"%PDF-1.4 nothing"]).await;
    let whole = whole(&world).await;
    let plain = ReportSpec { template: world.upload(SOURCES[1].1).await, ..whole.clone() };
    let no_word = ReportSpec { template: world.upload(SOURCES[0].1).await, ..whole.clone() };
    let gone = ReportSpec { template: Sha256::new([9; 32]), ..whole };
    for (report, code) in [
        (unreadable, "no_readable_source"),
        (plain, "template_without_placeholders"),
        (no_word, "template_unreadable"),
        (gone, "file_missing"),
    ] {
        let names = vec![None; 3];
        let job = world.request(report, &ReportInput { names, ..input() }).await;
        let (state, last) = world.ended(job).await;
        assert_eq!((state.phase, state.failures), (Phase::Failed, 1), "{code}");
        let JobEvent::JobFailed(failed) = last else { panic!("{last:?}") };
        assert_eq!((failed.cause, &*failed.error.error_type), (FailureCause::NotRetryable, code));
    }
    world.stopped().await;
}

#[tokio::test]
async fn a_report_for_a_model_that_is_not_there_is_tried_again() {
    let mut world = World::new().await;
    world.start(None);
    let spec = ReportSpec { writer: WriterChoice::Ollama, ..whole(&world).await };
    let job = world.request(spec, &input()).await;
    eventually("it fails", async || world.job(job).await.failures == 1).await;
    let state = world.job(job).await;
    assert_eq!(state.last_error.unwrap().error_type, "writer_unavailable");
    assert!(matches!(state.phase, Phase::Retrying { .. }));
    world.stopped().await;
}

#[tokio::test]
async fn a_report_is_stopped_while_a_field_is_being_written() {
    let mut world = World::new().await;
    let model = Model::answering(1).await;
    world.start(Some(model.ollama.clone()));
    let job = world.request(whole(&world).await, &input()).await;
    eventually("the second field is asked for", async || model.asked() == 2).await;
    world.cancel(job).await;
    let (state, _) = world.ended(job).await;
    assert_eq!(state.phase, Phase::Cancelled);
    model.answer(100);
    // Whoever went on would have come to the end before one that began after it.
    let another = world.request(whole(&world).await, &input()).await;
    assert_eq!(world.ended(another).await.0.phase, Phase::Succeeded);
    let made = world.events(job).await;
    assert!(!made.iter().any(|it| matches!(it, JobEvent::Report(ReportEvent::ReportCompleted(_)))));
    world.stopped().await;
}

/// Also those that nothing was left behind of yet.
#[tokio::test]
async fn a_report_that_is_paused_keeps_the_fields_that_are_written() {
    let mut world = World::new().await;
    let model = Model::answering(2).await;
    world.start_leaving(Some(model.ollama.clone()), Duration::MAX);
    let job = world.request(whole(&world).await, &input()).await;
    eventually("the third field is asked for", async || model.asked() == 3).await;
    assert_eq!(world.job(job).await.checkpoint, None);
    world.toggle(job, JobCommand::PauseJob { reason: None }).await;
    let given_back = async || world.job(job).await.phase == Phase::Queued;
    eventually("it is given back, though a field is being written", given_back).await;
    let left = world.job(job).await.checkpoint.unwrap();
    let left = serde_json::from_value(left["fields"].clone()).unwrap();
    let left = world.provenance(left).await.fields;
    assert_eq!(left.iter().filter(|it| it.writer.is_some()).count(), 2);
    model.answer(100);
    world.toggle(job, JobCommand::ResumeJob).await;
    let (state, last) = world.ended(job).await;
    assert_eq!((state.failures, state.losses), (0, 0));
    let (_, written) = completed(last);
    let fields = world.provenance(written.provenance.sha256).await.fields;
    assert_eq!(fields[..left.len()], left, "as they were");
    let asked_for = fields.iter().filter(|it| it.writer.is_some()).count();
    assert_eq!(model.asked(), asked_for + 1, "only the third was being asked for");
    world.stopped().await;
}

#[tokio::test]
async fn what_a_process_had_written_that_died_is_not_written_again() {
    let mut world = World::new().await;
    let model = Model::answering(2).await;
    world.start(Some(model.ollama.clone()));
    let job = world.request(whole(&world).await, &input()).await;
    eventually("the third field is asked for", async || model.asked() == 3).await;
    eventually("the first two are left behind", async || {
        let checkpoint = world.job(job).await.checkpoint;
        let Some(checkpoint) = checkpoint else { return false };
        let left = serde_json::from_value(checkpoint["fields"].clone()).unwrap();
        let fields = world.provenance(left).await.fields;
        fields.iter().filter(|it| it.writer.is_some()).count() == 2
    })
    .await;
    world.kill_executor().await;
    world.rescue(job).await;
    model.answer(100);
    world.start(Some(model.ollama.clone()));
    let (_, written) = completed(world.ended(job).await.1);
    assert_eq!(written.writers, [Writer::Ollama]);
    let fields = world.provenance(written.provenance.sha256).await.fields;
    assert_eq!(fields.iter().find(|it| it.key == "PROFESSION").unwrap().value, "Réponse 1.");
    let asked_for = fields.iter().filter(|it| it.writer.is_some()).count();
    assert_eq!(model.asked(), asked_for + 1, "only the third was being asked for when it died");
    world.stopped().await;
}
