//! What holds for every address, every text and every web.

use std::{cmp::Reverse, collections::HashSet, time::Duration};

use proptest::prelude::*;
use tokio::time::Instant;
use url::Url;

use crate::crawl::{
    frontier::{Bounds, Frontier, Heard},
    hosts::{Hosts, Next, Pace, Rank},
    link,
    relevance::Dictionary,
    weight,
};

fn any_reference() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9./?&=#%:@_~-]{0,40}",
        "(https?://)?[a-zA-Z.]{1,12}(:[0-9]{1,4})?/[a-zA-Z0-9./%]{0,20}(\\?[a-z=&_%]{0,20})?",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn what_is_written_one_way_stays_that_way(reference in any_reference()) {
        let base = Url::parse("http://example.org/a/b?c=d").unwrap();
        if let Some(url) = link::resolve(&base, &reference) {
            prop_assert_eq!(link::parse(url.as_str()), Some(url.clone()));
            prop_assert_eq!(url.fragment(), None);
            prop_assert!(url.as_str().len() <= 2_048 && !url.as_str().contains('\0'));
        }
    }

    /// However the pages link to each other, each is found once and visited
    /// once.
    #[test]
    fn no_page_is_visited_twice(links in prop::collection::vec((0..30_u32, 0..30_u32), 0..200)) {
        let bounds = Bounds { found_max: 20, of_host_max: 100 };
        let pace = Pace { at_once: 2, delay: Duration::ZERO, delay_max: Duration::ZERO };
        let (mut frontier, mut hosts) = (Frontier::new(bounds), Hosts::new(pace));
        let (now, mut visited) = (Instant::now(), HashSet::new());
        let address = |it: u32| Url::parse(&format!("http://h{}.example/{it}", it % 3)).unwrap();
        let host = |number: u32, frontier: &Frontier| {
            let url = Url::parse(&frontier.get(number).unwrap().url).unwrap();
            url.host_str().unwrap().to_owned()
        };
        let queue = |heard, frontier: &Frontier, hosts: &mut Hosts| {
            if let Heard::New(number) = heard {
                let depth = frontier.get(number).unwrap().depth;
                let rank = Rank { is_new: true, depth, relevance: Reverse(0), number };
                hosts.push(&host(number, frontier), rank, now);
            }
        };
        let heard = frontier.seed(address(0).as_str());
        queue(heard, &frontier, &mut hosts);
        while let Next::Page(number) = hosts.next(true, now) {
            prop_assert!(visited.insert(number));
            let here: u32 = frontier.get(number).unwrap().url.rsplit('/').next().unwrap().parse().unwrap();
            for (_, to) in links.iter().filter(|(from, _)| *from == here) {
                let heard = frontier.hear(&address(*to), 1, number);
                queue(heard, &frontier, &mut hosts);
            }
            let asked = Url::parse(&frontier.get(number).unwrap().url).unwrap();
            hosts.done(asked.host_str().unwrap(), None, None, now);
        }
        prop_assert_eq!(visited.len(), frontier.len() as usize);
        prop_assert!(frontier.len() <= 20);
    }

    #[test]
    fn relevance_adds_up_over_texts_and_over_terms(
        one in "([a-c]{1,2} ){0,20}",
        other in "([a-c]{1,2} ){0,20}",
    ) {
        let terms = ["a", "bc"].map(str::to_owned);
        let both = Dictionary::new(&terms, &[]);
        let score = |it: &Dictionary, title: &str, body: &str| {
            it.relevance(title, body, Some("xx")).score
        };
        let whole = format!("{one}. {other}");
        prop_assert_eq!(
            score(&both, "", &whole),
            score(&both, "", &one) + score(&both, "", &other)
        );
        prop_assert_eq!(score(&both, &one, ""), 10 * score(&both, "", &one));
        let each = terms.map(|it| Dictionary::new(&[it], &[]));
        prop_assert_eq!(score(&both, &one, &other), each.iter().map(|it| score(it, &one, &other)).sum::<u32>());
    }

    /// Whatever bytes come, something comes of them.
    #[test]
    fn no_page_breaks_the_reader(
        parts in prop::collection::vec(
            prop_oneof![
                Just("<div>"), Just("</div>"), Just("<p>"), Just("<a href='x'>"), Just("<table>"),
                Just("<td>"), Just("<script>"), Just("</script>"), Just("<!--"), Just("-->"),
                Just("<title>"), Just("text lighthouse"), Just("é"), Just("<svg><p>"), Just("&#0;"),
                Just("<base href='//['>"), Just("<meta content=x name=date>"), Just("<b>"),
                Just("</x>"), Just("</b>"), Just("</table>"), Just("<span>"), Just("</span>"),
                Just("<li title='</div>'>"), Just("<!-->"), Just("</svg>"), Just("<g/>"),
                Just("<object>"), Just("<template>"), Just("<form>"), Just("</form>"),
                Just("<iframe>"), Just("</iframe>"), Just("<select>"), Just("</select>"),
                Just("<xmp>"), Just("</xmp>"), Just("<!--<script>"), Just("<math><mi>"),
            ],
            0..80,
        ),
    ) {
        let html = parts.concat();
        let dictionary = Dictionary::new(&["lighthouse".to_owned()], &[]);
        let url = Url::parse("http://example.org/").unwrap();
        let page = crate::crawl::page::of_html(&html, &url, &dictionary);
        prop_assert_eq!(page.is_ok(), weight::take_apart(&html).is_some());
    }
}

fn any_tag() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "div",
        "p",
        "li",
        "b",
        "a",
        "span",
        "h1",
        "button",
        "form",
        "ul",
        "nobr",
        "font",
        "br",
        "table",
        "tr",
        "td",
        "caption",
        "select",
        "option",
        "optgroup",
        "template",
        "object",
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "xmp",
        "plaintext",
        "script",
        "style",
        "textarea",
        "title",
        "svg",
        "math",
        "mi",
        "foreignObject",
        "desc",
        "annotation-xml",
        "frameset",
        "body",
        "html",
        "x-y",
    ]);
    (name, 0..8_u8).prop_map(|(name, form)| match form {
        0..4 => format!("<{name}>"),
        4 => format!("<{name} id=1 title='</div>'>"),
        5 => format!("<{name}/>"),
        _ => format!("</{name}>"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever its tags are, and however often they come: a page is what a
    /// browser would make of it, or is given up, and nobody goes deeper into it
    /// than may be.
    #[test]
    fn no_page_is_deeper_than_may_be_and_none_is_another_for_being_measured(
        parts in prop::collection::vec(
            prop_oneof![
                8 => any_tag(),
                1 => "(text|é|<!--|-->|<!-->|<script><!--<script></script></div>--></script>|&amp)",
            ],
            1..8,
        ),
        times in prop_oneof![1..20_usize, 200..600_usize],
    ) {
        let html = parts.concat().repeat(times);
        if let Some(document) = weight::take_apart(&html) {
            let whole = dom_query::Document::from(html.as_str());
            let mut deepest = 0;
            for node in document.tree.root().descendants_it() {
                deepest = deepest.max(node.ancestors_it(None).count());
            }
            prop_assert!(deepest <= 512, "{}", deepest);
            prop_assert_eq!(document.html(), whole.html());
        }
    }
}
