//! What is read from a page.

use super::{
    site::{Reply, Site},
    world::{crawl, spec},
};
use domain::job::CrawlSpec;

const FRENCH: &str = "<!doctype html><html lang=\"fr-FR\"><head>\
    <meta charset=\"iso-8859-1\"><title>Le phare de la pointe</title>\
    <meta name=\"description\" content=\"Un phare, ses gardiens et la mer.\">\
    <meta property=\"article:published_time\" content=\"2024-03-01T10:00:00+02:00\">\
    <link rel=\"canonical\" href=\"/phare\"><base href=\"/livre/\">\
    <script>var phare = 'phare phare phare';</script></head><body>\
    <nav><a href=\"/accueil\">accueil phares</a></nav>\
    <article><h1>Le phare de la pointe</h1>\
    <p>Les phares éclairent la <em>côte</em> depuis des siècles, et les gardiens de phare \
    montent chaque soir l'escalier de la tour, quel que soit le temps qu'il fait.</p>\
    <p>La lumière se voit de très loin, <a href=\"phares/liste.html\">dit la liste</a>.</p>\
    <img src=\"images/tour.jpg\" alt=\"la tour\"><video src=\"/film.mp4\"></video>\
    <a href=\"plan.pdf\">le plan</a></article><footer>phare phare</footer></body></html>";

async fn read(body: Vec<u8>, media_type: &'static str, terms: &[&str]) -> (String, Site) {
    let site = Site::start().await;
    site.reply("/phare", Reply::Bytes(media_type, body));
    let terms: Vec<String> = terms.iter().map(|it| (*it).to_owned()).collect();
    let (languages, depth) = (vec!["fr".to_owned()], 0);
    let spec = CrawlSpec { terms, languages, depth, ..spec(&[site.url("/phare")]) };
    let crawled = crawl(spec).await;
    let url = site.url("/phare");
    let kept = serde_json::to_value(crawled.kept(&url)).unwrap();
    let told = serde_json::json!({ "kept": kept, "text": crawled.text(&url) });
    (serde_json::to_string_pretty(&told).unwrap(), site)
}

fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect()
}

#[tokio::test]
async fn a_page_in_french_is_understood_down_to_its_accents() {
    for media_type in ["text/html; charset=ISO-8859-1", "text/html"] {
        let (told, site) =
            read(latin_1(FRENCH), media_type, &["phare", "gardiens du phare", "lumières"]).await;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let (kept, text) = (&told["kept"], &told["text"]);
        assert_eq!(kept["title"], "Le phare de la pointe");
        assert_eq!(kept["description"], "Un phare, ses gardiens et la mer.");
        assert_eq!(kept["language"], "fr");
        assert_eq!(kept["canonical"], site.url("/phare"));
        assert_eq!(kept["published_at"], "2024-03-01T08:00:00Z");
        let body = text["text"].as_str().unwrap();
        assert!(body.contains("éclairent la *côte* depuis des siècles"), "{body}");
        let link = format!("[dit la liste]({})", site.url("/livre/phares/liste.html"));
        assert!(body.contains(&link), "{body}");
        assert!(!body.contains("var phare") && !body.contains("accueil"), "{body}");
        let media = serde_json::json!([
            { "url": site.url("/livre/plan.pdf"), "kind": "document" },
            { "url": site.url("/livre/images/tour.jpg"), "kind": "img" },
            { "url": site.url("/film.mp4"), "kind": "video" },
        ]);
        assert_eq!(text["media"], media, "must never: media under relative addresses");
        assert_eq!(kept["media"], 3);
    }
}

#[tokio::test]
async fn the_terms_that_come_up_are_told_with_how_often() {
    let (told, _site) = read(FRENCH.into(), "text/html; charset=utf-8", &["phares", "lune"]).await;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let terms = told["text"]["terms"].as_array().unwrap();
    assert_eq!(terms.len(), 1);
    assert_eq!((&terms[0]["term"], &terms[0]["title"]), (&"phares".into(), &1.into()));
    let body = terms[0]["body"].as_u64().unwrap();
    assert!((2..=3).contains(&body), "without scripts, navigation and footer: {terms:?}");
    assert_eq!(told["kept"]["relevance"], 10 + body);
}

#[tokio::test]
async fn a_page_that_is_only_text_is_a_page() {
    let text = b"The lighthouse\0 of the north".to_vec();
    let site = Site::start().await;
    site.reply(
        "/notes",
        Reply::Bytes("text/plain; charset=utf-16le", {
            String::from_utf8(text).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect()
        }),
    );
    let url = site.url("/notes");
    let crawled = crawl(spec(std::slice::from_ref(&url))).await;
    // Its bytes look like no text at all.
    assert!(crawled.failure.is_some());
    site.reply("/notes", Reply::Bytes("text/plain", "L'été au lighthouse".into()));
    let crawled = crawl(spec(std::slice::from_ref(&url))).await;
    assert_eq!(crawled.text(&url)["text"], "L'été au lighthouse");
    assert_eq!(crawled.kept(&url).words, 4);
}
