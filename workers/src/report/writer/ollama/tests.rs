//! A model that is asked over real HTTP, and everything that it can do wrong.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing};
use domain::{
    job::{Writer, WriterChoice},
    report::{Language, Missing, ReportInput},
};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    super::{Draft, Writers},
    *,
};
use crate::report::{bm25::Index, fields::fields, passages::Passage};

/// What the model answers, one after another; the last one again and again.
#[derive(Clone, Copy)]
enum Says {
    Text(&'static str),
    Status(u16),
    Nothing,
    Garbage,
}

#[derive(Clone)]
struct Script {
    says: Arc<Mutex<Vec<Says>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

struct Model {
    ollama: Ollama,
    script: Script,
    _serving: JoinSet<()>,
}

async fn answer(
    State(script): State<Script>,
    Json(asked): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    script.asked.lock().unwrap().push(asked);
    let says = {
        let mut says = script.says.lock().unwrap();
        if says.len() == 1 { says[0] } else { says.remove(0) }
    };
    match says {
        Says::Text(text) => Ok(Json(json!({ "response": text }))),
        Says::Status(status) => Err(StatusCode::from_u16(status).unwrap()),
        Says::Garbage => Ok(Json(json!({ "answer": 42 }))),
        Says::Nothing => std::future::pending().await,
    }
}

async fn model(says: &[Says]) -> Model {
    let script = Script { says: Arc::new(Mutex::new(says.to_vec())), asked: Arc::default() };
    let names = json!({ "models": [{ "name": "petit:latest" }, { "name": "grand:7b" }] });
    let app = Router::new()
        .route("/api/tags", routing::get(async || Json(names)))
        .route("/api/generate", routing::post(answer))
        .with_state(script.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
    Model { ollama: asked_at(url, "petit"), script, _serving: serving }
}

fn asked_at(url: String, model: &str) -> Ollama {
    let deadline = Duration::from_millis(600);
    Ollama::try_new(OllamaSettings { url, model: model.to_owned(), deadline }).unwrap()
}

/// What becomes of a field that speaks of the dossier.
async fn draft(model: &Model, key: &str, choice: WriterChoice) -> Draft {
    let mut writers = Writers::chosen(choice, Some(&model.ollama)).await.unwrap();
    let mut index = Index::default();
    for text in ["La formation de menuisier a duré trois ans.", "Anglais : niveau B2. Formation."]
    {
        assert!(index.add(Passage { source: 0, page: None, text: text.into() }));
    }
    let field = fields(&[key.to_owned()], &ReportInput::default()).remove(0);
    let hits = index.search("formation anglais", 10);
    writers.write(&field, &index, &hits).await.unwrap()
}

/// What a draft says, whatever it was taken from.
fn said(draft: &Draft) -> Option<(Writer, &str)> {
    match draft {
        Draft::Written { text, writer, .. } => Some((*writer, text)),
        Draft::Nothing { .. } => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what is said")]
fn by(writer: Writer, text: &str) -> Option<(Writer, &str)> {
    Some((writer, text))
}

fn none(missing: Missing) -> Draft {
    Draft::Nothing { missing, writer: Writer::Ollama }
}

fn asked(model: &Model) -> usize {
    model.script.asked.lock().unwrap().len()
}

#[tokio::test]
async fn a_model_that_answers_writes_the_field() {
    let model = model(&[Says::Text("Formation : Menuisier, trois ans.")]).await;
    let text = by(Writer::Ollama, "Menuisier, trois ans.");
    assert_eq!(said(&draft(&model, "FORMATION", WriterChoice::Auto).await), text);
    let asked = model.script.asked.lock().unwrap()[0].clone();
    assert_eq!((&asked["model"], &asked["stream"]), (&json!("petit"), &json!(false)));
    let prompt = asked["prompt"].as_str().unwrap();
    assert!(prompt.contains("La formation de menuisier a duré trois ans."), "{prompt}");
    assert!(!prompt.to_lowercase().contains("source 1"), "passages have no numbers to be cited");
}

/// What a model is told about a field that stands in so many passages, each with
/// a sentence at its 700th character.
async fn told(passages: usize) -> (String, u64) {
    let model = model(&[Says::Text("Trois ans.")]).await;
    let mut writers = Writers::chosen(WriterChoice::Ollama, Some(&model.ollama)).await.unwrap();
    let mut index = Index::default();
    for number in 0..passages {
        let before = "Il faisait beau. ".repeat(100).chars().take(700).collect::<String>();
        let text = format!("{before}La formation {number} a duré. {}", "Il a plu. ".repeat(46));
        let text: String = text.chars().take(1_200).collect();
        assert!(index.add(Passage { source: 0, page: None, text: text.into() }));
    }
    let field = fields(&["FORMATION".to_owned()], &ReportInput::default()).remove(0);
    let hits = index.search("formation", passages);
    writers.write(&field, &index, &hits).await.unwrap();
    let asked = model.script.asked.lock().unwrap()[0].clone();
    let context = asked["options"]["num_ctx"].as_u64().unwrap();
    (asked["prompt"].as_str().unwrap().to_owned(), context)
}

/// Must never: a model that is asked about what it is not shown.
#[tokio::test]
async fn a_model_is_shown_what_a_passage_was_found_for_wherever_it_stands() {
    for passages in [1, 10, 20, 100] {
        let (prompt, context) = told(passages).await;
        for number in 0..passages {
            let sentence = format!("La formation {number} a duré.");
            assert!(prompt.contains(&sentence), "{sentence} of {passages}: {prompt}");
        }
        assert!(prompt.len() < 30_000, "{passages}: {}", prompt.len());
        assert!(prompt.len() as u64 / 3 < context, "{passages}: {context}");
    }
    assert_eq!(told(10).await.1, 8 * 1024, "as usual");
    let (prompt, _) = told(10).await;
    assert_eq!(prompt.matches("Il a plu.").count(), 10 * 46, "they are shown whole");
}

#[test]
fn a_model_is_told_in_which_language_to_write_and_in_french_if_nobody_said() {
    for (language, told) in [
        (None, "Rédige en français le contenu de la rubrique « Formation »."),
        (Some(Language::De), "Rédige en allemand le contenu de la rubrique « Formation »."),
    ] {
        let input = ReportInput { language, ..ReportInput::default() };
        let field = fields(&["FORMATION".to_owned()], &input).remove(0);
        let prompt = prompt::prompt(&field, &[]);
        assert!(prompt.contains(told), "{prompt}");
    }
}

#[tokio::test]
async fn what_may_not_stand_in_a_document_is_corrected_once_and_then_left_out() {
    for bad in
        ["Selon la source 3, trois ans.", r#"{"formation": "oui"}"#, "{{FORMATION}}", "# Titre"]
    {
        let mended = model(&[Says::Text(bad), Says::Text("Trois ans.")]).await;
        let text = by(Writer::Ollama, "Trois ans.");
        assert_eq!(said(&draft(&mended, "FORMATION", WriterChoice::Auto).await), text, "{bad}");
        let stubborn = model(&[Says::Text(bad)]).await;
        let left = none(Missing::ForbiddenOutput);
        assert_eq!(draft(&stubborn, "FORMATION", WriterChoice::Auto).await, left, "{bad}");
        assert_eq!(asked(&stubborn), 2, "{bad}");
    }
}

#[tokio::test]
async fn a_model_that_is_slow_is_asked_again_for_less() {
    let model = model(&[Says::Nothing, Says::Text("Trois ans.")]).await;
    let draft = draft(&model, "FORMATION", WriterChoice::Ollama).await;
    assert_eq!(said(&draft), by(Writer::Ollama, "Trois ans."));
    let Draft::Written { taken, .. } = draft else { panic!("{draft:?}") };
    assert_eq!(taken.iter().map(|it| it.hit).collect::<Vec<_>>(), [0], "it was shown no other");
    let asked = model.script.asked.lock().unwrap().clone();
    let length = |at: usize| asked[at]["prompt"].as_str().unwrap().len();
    assert!(length(1) < length(0));
    assert_eq!(asked[1]["options"]["temperature"], json!(0.0));
}

#[tokio::test]
async fn a_model_that_fails_is_stood_in_for_unless_nobody_else_was_asked_for() {
    for (says, missing) in [
        (Says::Nothing, Missing::TimedOut),
        (Says::Status(500), Missing::WriterFailed),
        (Says::Garbage, Missing::WriterFailed),
    ] {
        let model = model(&[says]).await;
        let draft_of = async |choice| draft(&model, "FORMATION", choice).await;
        assert_eq!(draft_of(WriterChoice::Ollama).await, none(missing));
        let stood_in = draft_of(WriterChoice::Auto).await;
        assert!(matches!(stood_in, Draft::Written { writer: Writer::Extractive, .. }));
    }
}

#[tokio::test]
async fn an_answer_is_one_of_the_allowed_values_or_none() {
    let level = model(&[Says::Text("b2.")]).await;
    let chosen = draft(&level, "LANGUE_ANGLAIS", WriterChoice::Auto).await;
    assert_eq!(said(&chosen), by(Writer::Ollama, "B2"));
    let other = model(&[Says::Text("Excellent")]).await;
    let left = draft(&other, "LANGUE_ANGLAIS", WriterChoice::Auto).await;
    assert_eq!(left, none(Missing::NotAllowed));
    let empty = model(&[Says::Text("__VIDE__")]).await;
    let left = draft(&empty, "FORMATION", WriterChoice::Auto).await;
    assert_eq!(left, none(Missing::NoAnswer));
}

#[tokio::test]
async fn a_model_that_is_not_there_is_not_asked() {
    let running = model(&[Says::Text("oui")]).await;
    assert!(running.ollama.answers().await);
    let other = Ollama {
        settings: OllamaSettings { model: "grand".into(), ..running.ollama.settings.clone() },
        ..running.ollama.clone()
    };
    assert!(!other.answers().await, "the model is not installed");
    let gone = asked_at("http://127.0.0.1:1".to_owned(), "petit");
    assert!(!gone.answers().await);
    let chosen = |choice| Writers::chosen(choice, Some(&gone));
    assert_eq!(chosen(WriterChoice::Auto).await.map(|it| it.first()), Ok(Writer::Extractive));
    assert!(chosen(WriterChoice::Ollama).await.is_err());
    let auto = Writers::chosen(WriterChoice::Auto, None).await;
    assert_eq!(auto.map(|it| it.first()), Ok(Writer::Extractive));
}

#[tokio::test]
async fn a_model_that_keeps_failing_is_given_up_on() {
    let model = model(&[Says::Status(500)]).await;
    let mut writers = Writers::chosen(WriterChoice::Auto, Some(&model.ollama)).await.unwrap();
    let mut index = Index::default();
    assert!(index.add(Passage { source: 0, page: None, text: "La formation a duré.".into() }));
    let field = fields(&["FORMATION".to_owned()], &ReportInput::default()).remove(0);
    let hits = index.search("formation", 10);
    for _ in 0..10 {
        writers.write(&field, &index, &hits).await.unwrap();
    }
    assert_eq!(asked(&model), 6, "three fields, each asked for twice");
}
