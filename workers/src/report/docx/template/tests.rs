//! What becomes of a template: what was in the braces goes, all else stays.

use std::io::Read;

use proptest::prelude::*;
use zip::ZipArchive;

use super::super::super::{
    guard,
    testing::{body, docx, packed, paragraph, run, sdk},
};
use super::*;

fn values(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_uppercase(), (*value).to_owned())).collect()
}

fn filled(template: Bytes, pairs: &[(&str, &str)]) -> Bytes {
    Template::open(template).unwrap().fill(&values(pairs)).unwrap()
}

fn part(document: &Bytes, name: &str) -> String {
    let mut archive = ZipArchive::new(std::io::Cursor::new(document.clone())).unwrap();
    let mut xml = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut xml).unwrap();
    xml
}

fn fault(template: Bytes) -> TemplateFault {
    Template::open(template).err().unwrap()
}

#[test]
fn fields_are_found_in_the_order_in_which_one_reads_and_each_once() {
    let table = format!(
        "<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>",
        paragraph(&["Nom"]),
        paragraph(&["{{ NAME }}"])
    );
    let text = format!(
        "<w:body>{}{table}{}</w:body>",
        paragraph(&["{{TITLE}}"]),
        paragraph(&["{{name}}"])
    );
    let footer = paragraph(&["{{LIEU_ET_DATE}} {{TITLE}}"]);
    let template =
        docx(&[("document", &text), ("footer1", &footer), ("header1", &paragraph(&["{{LOGO}}"]))]);
    assert_eq!(Template::open(template).unwrap().keys(), ["LOGO", "TITLE", "NAME", "LIEU_ET_DATE"]);
}

/// Microsoft's own library names no part: the body is what the package points
/// at, and it is what all XML is unless it is said.
#[test]
fn a_template_that_the_open_xml_sdk_wrote_is_filled() {
    let document = filled(sdk(&paragraph(&["Nom : {{NAME}}"])), &[("NAME", "Ada")]);
    assert_eq!(said(document).unwrap(), "Nom : Ada\n");
}

#[test]
fn a_template_has_so_many_fields_and_no_more() {
    let of = |count: usize| {
        let runs: Vec<String> = (0..count).map(|it| format!("{{{{F{it}}}}}")).collect();
        let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
        Template::open(body(&paragraph(&runs)))
    };
    assert_eq!(of(2_000).unwrap().keys().len(), 2_000);
    assert!(of(2_001).is_err());
}

/// Must never: a template that keeps a thread of the server for good.
#[tokio::test]
async fn a_line_of_placeholders_is_filled_in_the_time_that_a_template_has() {
    let template = body(&paragraph(&vec!["{{A}}"; 60_000]));
    let fill = move || filled(template, &[("A", "a")]);
    let document = guard::run(fill, std::time::Duration::from_mins(1)).await.unwrap();
    assert_eq!(said(document).unwrap().len(), 60_001);
}

#[test]
fn a_placeholder_that_word_has_cut_into_runs_is_one() {
    let bold = "<w:rPr><w:b/></w:rPr>";
    let runs = [run("", "Nom : {"), run(bold, "{NA"), run("", "ME}"), run("", "} !")].concat();
    let document = filled(body(&format!("<w:p>{runs}</w:p>")), &[("NAME", "Ada")]);
    assert_eq!(said(document.clone()).unwrap(), "Nom : Ada !\n");
    let runs = [run("", "Nom : Ada"), run(bold, ""), run("", ""), run("", " !")].concat();
    assert!(part(&document, "word/document.xml").contains(&runs));
}

#[test]
fn a_value_looks_like_what_the_placeholder_began_with() {
    let (bold, red) = ("<w:rPr><w:b/></w:rPr>", "<w:rPr><w:color w:val=\"FF0000\"/></w:rPr>");
    let runs = [run("", "a "), run(bold, "{{X}}"), run(red, " b")].concat();
    let document = filled(body(&format!("<w:p>{runs}</w:p>")), &[("X", "gras")]);
    let runs = [run("", "a "), run(bold, "gras"), run(red, " b")].concat();
    assert!(part(&document, "word/document.xml").contains(&runs));
}

#[test]
fn every_part_with_text_is_filled() {
    let text_box = |content: &str| format!("<w:txbxContent>{content}</w:txbxContent>");
    let boxed = paragraph(&["{{BOX}}"]);
    let alternate = format!(
        "<w:p><w:r><mc:AlternateContent><mc:Choice Requires=\"wps\">{0}</mc:Choice>\
         <mc:Fallback><w:pict><v:textbox>{0}</v:textbox></w:pict></mc:Fallback>\
         </mc:AlternateContent></w:r>{1}</w:p>",
        text_box(&boxed),
        run("", "autour {{AROUND}}")
    );
    let table = format!("<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>", paragraph(&["{{CELL}}"]));
    let template = docx(&[
        ("document", &format!("<w:body>{alternate}{table}</w:body>")),
        ("header1", &paragraph(&["{{HEAD}}"])),
        ("footer1", &paragraph(&["{{FOOT}}"])),
        ("footnotes", &format!("<w:footnote w:id=\"1\">{}</w:footnote>", paragraph(&["{{NOTE}}"]))),
    ]);
    let all = ["BOX", "AROUND", "CELL", "HEAD", "FOOT", "NOTE"].map(|it| (it, "rempli"));
    let document = filled(template, &all);
    assert_eq!(
        said(document).unwrap(),
        "rempli\nrempli\nrempli\nautour rempli\nrempli\nrempli\nrempli\n"
    );
}

#[test]
fn empty_is_empty() {
    let template = body(&paragraph(&["a{{EMPTY}}b {{UNKNOWN}}"]));
    assert_eq!(said(filled(template, &[("EMPTY", "")])).unwrap(), "ab \n");
}

#[test]
fn a_key_that_begins_like_another_is_another() {
    let template = body(&paragraph(&["{{NAME}} {{NAME_2}} {{NAME}}_2"]));
    let document = filled(template, &[("NAME", "un"), ("NAME_2", "deux")]);
    assert_eq!(said(document).unwrap(), "un deux un_2\n");
}

#[test]
fn a_value_is_text_whatever_it_holds() {
    let template = body(&paragraph(&["{{X}}"]));
    let value = "a & b <w:p/> \"c\" ]]>\u{1}\nseconde\tligne";
    let document = filled(template, &[("X", value)]);
    assert_eq!(said(document.clone()).unwrap(), "a & b <w:p/> \"c\" ]]>\nseconde\tligne\n");
    let xml = part(&document, "word/document.xml");
    assert!(xml.contains("]]&gt;</w:t><w:br/><w:t xml:space=\"preserve\">seconde</w:t><w:tab/>"));
}

#[test]
fn a_value_is_not_filled_again() {
    let template = body(&paragraph(&["{{A}} {{B}}"]));
    assert_eq!(said(filled(template, &[("A", "{{B}}"), ("B", "b")])).unwrap(), "{{B}} b\n");
}

#[test]
fn what_no_placeholder_touches_stays_as_it_was_byte_for_byte() {
    let untouched = format!("<w:p  w:rsidR = '00A1' >{}</w:p><!-- été -->", run("", "x &amp; y"));
    let text = format!("<w:body>{untouched}{}</w:body>", paragraph(&["{{X}}"]));
    let header = paragraph(&["en-tête"]);
    let template = docx(&[("document", &text), ("header1", &header)]);
    let document = filled(template.clone(), &[("X", "rempli")]);
    assert!(part(&document, "word/document.xml").contains(&untouched));
    let open = |bytes: &Bytes| ZipArchive::new(std::io::Cursor::new(bytes.clone())).unwrap();
    let (mut before, mut after) = (open(&template), open(&document));
    assert_eq!(before.len(), after.len());
    for at in 0..before.len() {
        let (mut one, mut other) = (before.by_index(at).unwrap(), after.by_index(at).unwrap());
        assert_eq!(one.name().unwrap(), other.name().unwrap());
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        one.read_to_end(&mut expected).unwrap();
        other.read_to_end(&mut found).unwrap();
        assert_eq!(expected == found, one.name().unwrap() != "word/document.xml");
    }
}

#[test]
fn what_cannot_be_filled_is_told_by_name() {
    assert_eq!(fault(body(&paragraph(&["rien"]))), TemplateFault::NoPlaceholder);
    let unclosed = TemplateFault::Unclosed { part: "word/document.xml".into() };
    assert_eq!(fault(body(&paragraph(&["{{A}} {{NAME"]))), unclosed);
    assert_eq!(fault(body(&[paragraph(&["{{NA"]), paragraph(&["ME}}"])].concat())), unclosed);
    assert_eq!(fault(body(&paragraph(&["{{ }} {{A}}"]))), unclosed);
    assert_eq!(fault(Bytes::from_static(b"%PDF-1.4")), PackageFault::Damaged.into());
    assert_eq!(fault(body("<w:p>")), PackageFault::Damaged.into());
    assert_eq!(fault(packed(&[("a.txt".into(), b"x".to_vec())])), PackageFault::NotWord.into());
    let whole = body(&paragraph(&["{{X}}"]));
    assert_eq!(fault(whole.slice(..whole.len() / 2)), PackageFault::Damaged.into());
}

#[test]
fn what_declares_entities_is_not_read() {
    let template = docx(&[("document", "<w:body>&boom;</w:body>")]);
    assert_eq!(fault(template), PackageFault::Damaged.into());
}

#[test]
fn a_package_that_unpacks_to_far_more_than_it_should_is_not_unpacked() {
    let entries = vec![
        ("[Content_Types].xml".to_owned(), b"<Types/>".to_vec()),
        ("word/bomb.bin".to_owned(), vec![0; 16 * 1024 * 1024]),
    ];
    assert_eq!(fault(packed(&entries)), PackageFault::Bomb.into());
}

/// A document with these parts, by their names; its body is one of them.
fn parts(parts: &[(&str, &str)]) -> Bytes {
    let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-\
        officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let mut entries = vec![("[Content_Types].xml".to_owned(), types.as_bytes().to_vec())];
    entries.extend(parts.iter().map(|it| (it.0.to_owned(), it.1.as_bytes().to_vec())));
    packed(&entries)
}

const WORD: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";
const DRAWING: &str = "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\"";

fn empty_body() -> String {
    format!("<w:document {WORD}><w:body/></w:document>")
}

/// What becomes of a part beside an empty body.
fn filled_beside(name: &str, xml: &str, pairs: &[(&str, &str)]) -> String {
    let document = filled(parts(&[("word/document.xml", &empty_body()), (name, xml)]), pairs);
    assert!(!said(document.clone()).unwrap().contains("{{"));
    part(&document, name)
}

#[test]
fn a_diagram_is_filled_in_what_it_says_and_in_what_is_drawn_of_it() {
    for (name, root) in [("word/diagrams/data1.xml", "dgm"), ("word/diagrams/drawing1.xml", "dsp")]
    {
        let text = |runs: &str| {
            format!("<{root}:x xmlns:{root}=\"urn:x\" {DRAWING}><a:p>{runs}</a:p></{root}:x>")
        };
        let before = text(
            "<a:r><a:rPr b=\"1\"/><a:t>Étape {{ST</a:t></a:r><a:r><a:rPr i=\"1\"/><a:t>EP}} !\
             </a:t></a:r>",
        );
        let after = text(
            "<a:r><a:rPr b=\"1\"/><a:t>Étape un</a:t></a:r><a:br/><a:r><a:rPr b=\"1\"/><a:t>deux \
             &amp; trois</a:t></a:r><a:r><a:rPr i=\"1\"/><a:t> !</a:t></a:r>",
        );
        assert_eq!(filled_beside(name, &before, &[("STEP", "un\ndeux & trois")]), after);
    }
}

#[test]
fn a_chart_is_filled_with_the_table_behind_it() {
    let chart = |title: &str, label: &str| {
        format!(
            "<c:chart xmlns:c=\"http://schemas.openxmlformats.org/drawingml/2006/chart\" {DRAWING}>\
             <c:title><a:p><a:r><a:t>{title}</a:t></a:r></a:p></c:title><c:strCache><c:pt>\
             <c:v>{label}</c:v></c:pt></c:strCache></c:chart>"
        )
    };
    let sheet = |first: &str, rest: &str| {
        format!(
            "<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><si><r>\
             <t{first}</t></r><r><rPr><b/></rPr><t{rest}</t></r></si></sst>"
        )
    };
    let types = ("[Content_Types].xml".to_owned(), b"<Types/>".to_vec());
    let strings = sheet(">{{LA", ">BEL}}.").into_bytes();
    let book = packed(&[types, ("xl/sharedStrings.xml".to_owned(), strings)]);
    let types = "<Types><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.\
                 openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let template = packed(&[
        ("[Content_Types].xml".to_owned(), types.into()),
        ("word/document.xml".to_owned(), empty_body().into()),
        ("word/charts/chart1.xml".to_owned(), chart("{{TITLE}} 2026", "{{LABEL}}").into()),
        ("word/embeddings/book.xlsx".to_owned(), book.to_vec()),
    ]);
    assert_eq!(Template::open(template.clone()).unwrap().keys(), ["TITLE", "LABEL"]);
    let document = filled(template, &[("TITLE", "Heures"), ("LABEL", "A < B")]);
    assert!(!said(document.clone()).unwrap().contains("{{"));
    assert_eq!(part(&document, "word/charts/chart1.xml"), chart("Heures 2026", "A &lt; B"));
    let mut archive = ZipArchive::new(std::io::Cursor::new(document)).unwrap();
    let mut book = Vec::new();
    archive.by_name("word/embeddings/book.xlsx").unwrap().read_to_end(&mut book).unwrap();
    let spaced = |it: &str| format!(" xml:space=\"preserve\">{it}");
    let strings = part(&book.into(), "xl/sharedStrings.xml");
    assert_eq!(strings, sheet(&spaced("A &lt; B"), &spaced(".")));
}

#[test]
fn notes_and_comments_are_filled() {
    let paragraph = paragraph(&["{{X}}"]);
    let note = |kind: &str| format!("<w:{kind} w:id=\"1\">{paragraph}</w:{kind}>");
    let template = docx(&[
        ("document", "<w:body/>"),
        ("footnotes", &note("footnote")),
        ("endnotes", &note("endnote")),
        ("comments", &note("comment")),
    ]);
    assert_eq!(said(filled(template, &[("X", "vu")])).unwrap(), "vu\nvu\nvu\n");
}

#[test]
fn what_pictures_and_the_document_are_called_is_filled() {
    let body = |it: &str| {
        format!(
            "<w:document {WORD}><w:body><w:p><w:r><w:drawing><docPr descr='{it}' id='1'/>\
             </w:drawing></w:r></w:p></w:body></w:document>"
        )
    };
    let told = filled(
        parts(&[("word/document.xml", &body("Photo de {{NAME}}, {{R&amp;D}}"))]),
        &[("NAME", "O'Neil\n\"Jo\""), ("R&D", "labo")],
    );
    let expected = body("Photo de O&apos;Neil &quot;Jo&quot;, labo");
    assert_eq!(part(&told, "word/document.xml"), expected);
    let title = |it: &str| format!("<p xmlns:dc=\"urn:dc\"><dc:title>{it}</dc:title></p>");
    let told = filled_beside("docProps/core.xml", &title("Bilan &amp; {{X}}"), &[("X", "<suite>")]);
    assert_eq!(told, title("Bilan &amp; &lt;suite&gt;"));
    let item = |it: &str| format!("<item>{it}</item>");
    let told = filled_beside("customXml/item1.xml", &item("<![CDATA[<{{X}}>]]>"), &[("X", "été")]);
    assert_eq!(told, item("&lt;été&gt;"));
}

#[test]
fn a_part_in_other_letters_is_filled_as_well() {
    let declared = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><item>{{X}} été</item>";
    let wide: Vec<u8> = "\u{FEFF}"
        .encode_utf16()
        .chain(declared.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let types = "<Types><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.\
                 openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let template = packed(&[
        ("[Content_Types].xml".to_owned(), types.into()),
        ("word/document.xml".to_owned(), empty_body().into()),
        ("customXml/item1.xml".to_owned(), wide),
    ]);
    let document = filled(template, &[("X", "à")]);
    assert_eq!(part(&document, "customXml/item1.xml"), "<item>à été</item>");
}

#[test]
fn nothing_is_filled_where_programs_follow_it() {
    let link =
        |target: &str| format!("<Relationships><Relationship Target='{target}'/></Relationships>");
    let text = |it: &str| format!("<w:document {WORD}><w:body>{it}</w:body></w:document>");
    let links = "word/_rels/document.xml.rels";
    let table = [
        (links, link("https://{{SITE}}/")),
        (links, link("https://%7b%7BSITE%7D%7D/")),
        ("word/document.xml", text("<w:instrText>HYPERLINK {{SITE}}</w:instrText>")),
        ("word/document.xml", text("<w:fldSimple w:instr='DDEAUTO {{SITE}}'/>")),
        ("word/header1.xml", text("<shape href='{{SITE}}'/>")),
        ("word/old.vml", "<br>{{SITE}}".to_owned()),
    ];
    for (name, xml) in table {
        let template = if name == "word/document.xml" {
            parts(&[(name, &xml)])
        } else {
            parts(&[("word/document.xml", &text(&paragraph(&["{{X}}"]))), (name, &xml)])
        };
        assert_eq!(fault(template), TemplateFault::Misplaced { part: name.to_owned() }, "{xml}");
    }
    let harmless = [("word/document.xml", &*text(&paragraph(&["{{X}}"]))), ("a.vml", "<br>")];
    assert_eq!(said(filled(parts(&harmless), &[("X", "vu")])).unwrap(), "vu\n");
}

proptest! {
    /// Wherever Word cuts, the document says the same.
    #[test]
    fn cuts_between_runs_change_nothing(cuts in prop::collection::vec(any::<bool>(), 40)) {
        let text = "Né le {{DATE_DE_NAISSANCE}} à {{LIEU}}.";
        let mut runs = vec![String::new()];
        for (at, letter) in text.chars().enumerate() {
            if cuts.get(at).copied().unwrap_or_default() {
                runs.push(String::new());
            }
            runs.last_mut().unwrap().push(letter);
        }
        let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
        let pairs = [("DATE_DE_NAISSANCE", "1er mai"), ("LIEU", "Genève & <environs>")];
        let document = filled(body(&paragraph(&runs)), &pairs);
        prop_assert_eq!(said(document).unwrap(), "Né le 1er mai à Genève & <environs>.\n");
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut file = b"PK\x03\x04".to_vec();
        file.extend(bytes);
        prop_assert!(Template::open(file.into()).is_err());
    }
}
