//! Lands, their crawls, and the pages that these found.

use domain::{
    JobId,
    artifact::{Artifact, Sha256},
    job::{
        Closing, DuplicateBy, Exclusion, FoundPage, JobCommand, KeptPage, PageOutcome, TextSlice,
        VisitedPage,
    },
};
use expect_test::expect;
use serde_json::{Value, json};

use super::world::{Person, World, codes, now};

const CREATE_LAND: &str = "mutation($input: CreateLandInput!) { createLand(input: $input) {
    land { id name description languages terms startUrls crawlCount version owner { id } }
    position userErrors { code message path }
} }";

const CHANGE_LAND: &str = "mutation($input: ChangeLandInput!) { changeLand(input: $input) {
    land { name terms version } position userErrors { code path }
} }";

const DELETE_LAND: &str = "mutation($input: DeleteLandInput!) { deleteLand(input: $input) {
    position userErrors { code path }
} }";

const START: &str = "mutation($input: StartCrawlInput!) { startCrawl(input: $input) {
    crawl { id state service seeds terms languages depth limit follow land { name }
        pageCounts { total } artifacts { name } }
    position userErrors { code message path }
} }";

fn rivers() -> Value {
    json!({
        "name": "Rivers", "languages": ["fr"], "terms": ["crue"],
        "startUrls": ["https://rivers.example/"],
    })
}

async fn land(world: &World, owner: &Person, input: Value) -> String {
    let data = world.data(owner, CREATE_LAND, json!({ "input": input })).await;
    data["createLand"]["land"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_land_is_made_changed_and_deleted() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let id = land(&world, &ada, rivers()).await;
    let input = json!({ "id": id, "name": "Lakes", "addTerms": ["lac"], "removeTerms": ["crue"] });
    let data = world.data(&ada, CHANGE_LAND, json!({ "input": input })).await;
    let changed = json!({ "name": "Lakes", "terms": ["lac"], "version": 2 });
    assert_eq!(data["changeLand"]["land"], changed);
    let list = "{ lands(orderBy: NAME) { totalCount nodes { name } pageInfo { hasNextPage } } }";
    let data = world.data(&ada, list, json!({})).await;
    let one = json!({
        "totalCount": 1, "nodes": [{ "name": "Lakes" }], "pageInfo": { "hasNextPage": false },
    });
    assert_eq!(data["lands"], one);
    let data = world.data(&ada, DELETE_LAND, json!({ "input": { "id": id } })).await;
    let at = data["deleteLand"]["position"].clone();
    let gone = "query($id: ID!, $at: Position) { land(id: $id, atLeast: $at) { name } }";
    let data = world.data(&ada, gone, json!({ "id": id, "at": at })).await;
    assert_eq!(data["land"], Value::Null);
}

#[tokio::test]
async fn lands_come_a_page_at_a_time() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    for name in ["Rivers", "Lakes", "Seas"] {
        land(&world, &ada, json!({ "name": name })).await;
    }
    world.caught_up().await;
    let list = "query($after: String) { lands(first: 2, after: $after, orderBy: OLDEST) {
        nodes { name } pageInfo { hasNextPage endCursor } } }";
    let first = world.data(&ada, list, json!({})).await["lands"].take();
    assert_eq!(first["nodes"], json!([{ "name": "Rivers" }, { "name": "Lakes" }]));
    let variables = json!({ "after": first["pageInfo"]["endCursor"] });
    let rest = world.data(&ada, list, variables).await["lands"].take();
    assert_eq!(rest["nodes"], json!([{ "name": "Seas" }]));
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn a_crawl_says_what_it_has_from_its_land_and_what_it_brought() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let land = land(&world, &ada, rivers()).await;
    let input = json!({ "landId": land, "terms": ["inondation"], "depth": 1, "limit": 7 });
    let data = world.data(&ada, START, json!({ "input": input })).await;
    let mut crawl = data["startCrawl"]["crawl"].clone();
    assert_eq!(data["startCrawl"]["userErrors"], json!([]));
    crawl["id"].take();
    let expected = json!({
        "id": null, "state": "QUEUED", "service": "crawl", "follow": "RELEVANT",
        "seeds": ["https://rivers.example/"], "terms": ["crue", "inondation"],
        "languages": ["fr"], "depth": 1, "limit": 7, "land": { "name": "Rivers" },
        "pageCounts": { "total": 0 }, "artifacts": [],
    });
    assert_eq!(crawl, expected);
}

#[tokio::test]
async fn a_land_lists_its_crawls_and_no_others_to_those_who_may_see_them() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let (rivers, lakes) = (land(&world, &ada, rivers()).await, land(&world, &ada, rivers()).await);
    let mut started = Vec::new();
    for land in [&rivers, &lakes, &rivers, &rivers] {
        let data = world.data(&ada, START, json!({ "input": { "landId": land } })).await;
        started.push(data["startCrawl"]["crawl"]["id"].clone());
    }
    // One that belongs to no land.
    crawled(&world, &ada).await;
    world.task(&ada).await;
    world.caught_up().await;
    let query =
        "query($id: ID!, $after: String) { land(id: $id) { crawls(first: 2, after: $after) {
        totalCount nodes { id kind } pageInfo { hasNextPage endCursor } } } }";
    let crawl = |at: usize| json!({ "id": started[at], "kind": "CRAWL" });
    for who in [&ada, &olga] {
        let data = world.data(who, query, json!({ "id": rivers })).await;
        let first = &data["land"]["crawls"];
        assert_eq!(first["totalCount"], 3);
        assert_eq!(first["nodes"], json!([crawl(3), crawl(2)]));
        let variables = json!({ "id": rivers, "after": first["pageInfo"]["endCursor"] });
        let data = world.data(who, query, variables).await;
        assert_eq!(data["land"]["crawls"]["nodes"], json!([crawl(0)]));
        assert_eq!(data["land"]["crawls"]["pageInfo"]["hasNextPage"], false);
    }
    let filtered = "query($filter: JobFilter!) { jobs(filter: $filter) { nodes { id kind } } }";
    let filter = json!({ "filter": { "landId": lakes } });
    let data = world.data(&ada, filtered, filter.clone()).await;
    assert_eq!(data["jobs"]["nodes"], json!([crawl(1)]));
    let bob = world.person("bob", identity::Role::Member).await;
    let data = world.data(&bob, filtered, filter).await;
    assert_eq!(data["jobs"]["nodes"], json!([]));
    let answer = world.ask(&ada, filtered, json!({ "filter": { "landId": "Rivers" } })).await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn a_crawl_that_is_refused_names_the_part_and_the_rule() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let refused = async |input: Value| {
        let data = world.data(&ada, START, json!({ "input": input })).await;
        let payload = &data["startCrawl"];
        assert_eq!(payload["crawl"], Value::Null);
        payload["userErrors"][0].to_string()
    };
    let seeds = json!(["https://rivers.example/"]);
    expect![[r#"{"code":"INVALID","message":"terms: at least one","path":["input","terms"]}"#]]
        .assert_eq(&refused(json!({ "seeds": seeds })).await);
    expect![[r#"{"code":"INVALID","message":"seeds: at least one","path":["input","seeds"]}"#]]
        .assert_eq(&refused(json!({ "terms": ["crue"] })).await);
    expect![[r#"{"code":"INVALID","message":"limit: at least 1","path":["input","limit"]}"#]]
        .assert_eq(&refused(json!({ "seeds": seeds, "terms": ["crue"], "limit": 0 })).await);
    expect![[
        r#"{"code":"NOT_FOUND","message":"there is no such land","path":["input","landId"]}"#
    ]]
    .assert_eq(&refused(json!({ "landId": "nonsense" })).await);
}

/// A crawl of five pages: one is kept, with its text; one failed, one waits, one is the first
/// again, and one is not for it.
async fn crawled(world: &World, owner: &Person) -> JobId {
    crawled_with(world, owner, "# Rivers\n\nA *crue*.").await
}

async fn crawled_with(world: &World, owner: &Person, text: &str) -> JobId {
    let input = json!({ "seeds": ["https://rivers.example/"], "terms": ["crue"] });
    let data = world.data(owner, START, json!({ "input": input })).await;
    let id: JobId = data["startCrawl"]["crawl"]["id"].as_str().unwrap().parse().unwrap();
    let fence = world.lease(id).await;
    let line = json!({
        "number": 0, "url": "https://rivers.example/", "title": "Rivers",
        "text": text,
        "media": [{ "url": "https://rivers.example/a.png", "kind": "img" }],
        "terms": [{ "term": "crue", "title": 0, "body": 1 }],
    });
    let lines = format!("{{}}\n{line}\n");
    let bytes = lines.len() as u64;
    let stored = world.sides.artifacts.put_bytes(lines.into_bytes().into(), now()).await.unwrap();
    let sha256 = Sha256::new(stored.sha256);
    let text = TextSlice { offset: 3, bytes: bytes - 4 };
    let found = |number, from| {
        let url = format!("https://rivers.example/{number}");
        FoundPage { number, url, depth: 0, from }
    };
    let visited = |number, outcome, links| VisitedPage { number, outcome, links };
    let kept = PageOutcome::Kept(Box::new(KeptPage {
        url: "https://rivers.example/".into(),
        status: 200,
        media_type: "text/html".into(),
        bytes: 900,
        title: Some("Rivers".into()),
        description: None,
        language: Some("fr".into()),
        canonical: None,
        published_at: None,
        words: 3,
        relevance: 1,
        content: Sha256::new([9; 32]),
        text,
        media: 1,
    }));
    let (status, error) = (Some(404), "http_status".into());
    let failed = PageOutcome::Failed { status, error, message: "not there".into() };
    let command = JobCommand::RecordPages {
        fence,
        found: (0..5).map(|it| found(it, (0 < it).then_some(0))).collect(),
        visited: vec![
            visited(0, kept, vec![1, 2]),
            visited(1, failed, vec![]),
            visited(3, PageOutcome::Duplicate { of: 0, by: DuplicateBy::Canonical }, vec![]),
            visited(4, PageOutcome::Excluded { reason: Exclusion::TooLarge }, vec![]),
        ],
        texts: Some(Artifact { sha256, name: "texts.jsonl".into(), bytes }),
        progress: None,
    };
    world.work(id, command).await;
    let (artifacts, closing) =
        (vec![Artifact { sha256, name: "pages.csv".into(), bytes }], Closing::default());
    let done = JobCommand::CompleteCrawl { fence, pages: 1, errors: 1, artifacts, closing };
    world.work(id, done).await;
    world.caught_up().await;
    id
}

#[tokio::test]
async fn pages_are_read_with_their_texts() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let id = crawled(&world, &ada).await.to_string();
    let query = "query($id: ID!) { pages(crawlId: $id, orderBy: NUMBER) {
        totalCount nodes { number state status host title relevance foundFrom links
            duplicateOf duplicateBy exclusion
            error { code } text media { kind } termCounts { term body } } } }";
    let data = world.data(&ada, query, json!({ "id": id })).await;
    let nothing = json!({
        "host": "rivers.example", "title": null, "relevance": null, "foundFrom": 0, "links": [],
        "text": null, "media": [], "termCounts": [], "duplicateOf": null, "duplicateBy": null,
        "exclusion": null,
    });
    let with = |more: Value| {
        let mut page = nothing.clone();
        page.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        page
    };
    let expected = json!({ "totalCount": 5, "nodes": [
        with(json!({
            "number": 0, "state": "KEPT", "status": 200, "title": "Rivers", "relevance": 1,
            "foundFrom": null, "links": [1, 2], "error": null, "text": "# Rivers\n\nA *crue*.",
            "media": [{ "kind": "img" }], "termCounts": [{ "term": "crue", "body": 1 }],
        })),
        with(json!({
            "number": 1, "state": "FAILED", "status": 404, "error": { "code": "http_status" },
        })),
        with(json!({ "number": 2, "state": "WAITING", "status": null, "error": null })),
        with(json!({
            "number": 3, "state": "DUPLICATE", "status": null, "error": null, "duplicateOf": 0,
            "duplicateBy": "CANONICAL",
        })),
        with(json!({
            "number": 4, "state": "EXCLUDED", "status": null, "error": null,
            "exclusion": "TOO_LARGE",
        })),
    ] });
    assert_eq!(data["pages"], expected);
    let query = "query($id: ID!) {
        job(id: $id) { ... on Crawl {
            pageCounts { waiting kept failed total } artifacts { name } succeededWithErrors } }
        links(crawlId: $id, first: 1) { totalCount nodes { source target }
            pageInfo { hasNextPage } }
        linkGraph(crawlId: $id) { nodes { number } edges { source target } hasMore }
        page(crawlId: $id, number: 1) { url } }";
    let data = world.data(&ada, query, json!({ "id": id })).await;
    let expected = json!({
        "job": {
            "pageCounts": { "waiting": 1, "kept": 1, "failed": 1, "total": 5 },
            "artifacts": [{ "name": "pages.csv" }], "succeededWithErrors": true,
        },
        "links": {
            "totalCount": 2, "nodes": [{ "source": 0, "target": 1 }],
            "pageInfo": { "hasNextPage": true },
        },
        "linkGraph": { "nodes": [{ "number": 0 }], "edges": [], "hasMore": false },
        "page": { "url": "https://rivers.example/1" },
    });
    assert_eq!(data, expected);
}

/// Must never: one question that takes all the memory there is.
#[tokio::test]
async fn texts_cost_what_they_weigh() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let id = crawled_with(&world, &ada, &"crue ".repeat(800_000)).await.to_string();
    let texts = |count: usize| {
        let page = |it| format!("p{it}: page(crawlId: $id, number: 0) {{ text }}");
        format!("query($id: ID!) {{ {} }}", (0..count).map(page).collect::<Vec<_>>().join(" "))
    };
    let data = world.data(&ada, &texts(2), json!({ "id": id })).await;
    assert_eq!(data["p1"]["text"].as_str().unwrap().len(), 4_000_000);
    let answer = world.ask(&ada, &texts(20), json!({ "id": id })).await;
    assert!(codes(&answer).contains(&"QUERY_TOO_EXPENSIVE"), "{:?}", codes(&answer));
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_there() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let land = land(&world, &ada, rivers()).await;
    let crawl = crawled(&world, &ada).await.to_string();
    let all = "query($land: ID!, $crawl: ID!) {
        land(id: $land) { name } node(id: $land) { id } lands { totalCount }
        pages(crawlId: $crawl) { totalCount } page(crawlId: $crawl, number: 0) { text }
        links(crawlId: $crawl) { totalCount } linkGraph(crawlId: $crawl) { hasMore } }";
    let variables = json!({ "land": land, "crawl": crawl });
    let seen = world.data(&bob, all, variables.clone()).await;
    let nothing = json!({
        "land": null, "node": null, "lands": { "totalCount": 0 }, "pages": null, "page": null,
        "links": null, "linkGraph": null,
    });
    assert_eq!(seen, nothing);
    let seen = world.data(&olga, all, variables).await;
    assert_eq!(seen["land"]["name"], "Rivers");
    assert_eq!(seen["pages"]["totalCount"], 5);
    let not_found = json!([{ "code": "NOT_FOUND", "path": ["input", "id"] }]);
    let change = json!({ "input": { "id": land, "name": "Mine" } });
    let data = world.data(&bob, CHANGE_LAND, change).await;
    assert_eq!(data["changeLand"]["userErrors"], not_found);
    let data = world.data(&bob, DELETE_LAND, json!({ "input": { "id": land } })).await;
    assert_eq!(data["deleteLand"]["userErrors"], not_found);
    let data = world.data(&bob, START, json!({ "input": { "landId": land } })).await;
    assert_eq!(data["startCrawl"]["userErrors"][0]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn those_who_only_look_make_no_lands_and_start_no_crawls() {
    let world = World::new().await;
    let vera = world.person("vera", identity::Role::Viewer).await;
    let data = world.data(&vera, CREATE_LAND, json!({ "input": rivers() })).await;
    assert_eq!(data["createLand"]["userErrors"][0]["code"], "FORBIDDEN");
    let input = json!({ "seeds": ["https://rivers.example/"], "terms": ["crue"] });
    let data = world.data(&vera, START, json!({ "input": input })).await;
    assert_eq!(data["startCrawl"]["userErrors"][0]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_repeated_request_gives_the_same_land_and_the_same_crawl() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let mut input = rivers();
    input["idempotencyKey"] = json!("monday");
    let first = land(&world, &ada, input.clone()).await;
    assert_eq!(land(&world, &ada, input.clone()).await, first);
    input["name"] = json!("Lakes");
    let data = world.data(&ada, CREATE_LAND, json!({ "input": input })).await;
    assert_eq!(data["createLand"]["userErrors"][0]["code"], "KEY_REUSED");
    let input = json!({ "input": { "landId": first, "idempotencyKey": "tuesday" } });
    let crawl = world.data(&ada, START, input.clone()).await["startCrawl"]["crawl"]["id"].take();
    let again = world.data(&ada, START, input).await["startCrawl"]["crawl"]["id"].take();
    assert!(crawl.is_string());
    assert_eq!(again, crawl);
}

#[tokio::test]
async fn what_costs_too_much_is_refused() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let id = crawled(&world, &ada).await.to_string();
    let graph = "query($id: ID!) { linkGraph(crawlId: $id, limit: 1001) { hasMore } }";
    let answer = world.ask(&ada, graph, json!({ "id": id })).await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
    let twice = "query($id: ID!) {
        a: linkGraph(crawlId: $id, limit: 1000) { hasMore }
        b: linkGraph(crawlId: $id, limit: 1000) { hasMore } }";
    let answer = world.ask(&ada, twice, json!({ "id": id })).await;
    assert_eq!(codes(&answer), ["QUERY_TOO_EXPENSIVE"]);
}
