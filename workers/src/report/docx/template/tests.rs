//! What becomes of a template: what was in the braces goes, all else stays.

use std::io::Read;

use proptest::prelude::*;
use zip::ZipArchive;

use super::super::super::testing::{body, docx, packed, paragraph, run};
use super::*;

fn values(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_uppercase(), (*value).to_owned())).collect()
}

fn filled(template: Bytes, pairs: &[(&str, &str)]) -> Bytes {
    Template::open(template).unwrap().fill(&values(pairs)).unwrap().into()
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
