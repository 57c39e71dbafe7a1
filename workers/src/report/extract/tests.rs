//! What is read of files that people have, and of those that they should not.

use super::super::testing::{FONT, ODD_FONT, body, docx, packed, paragraph, pdf, pdf_in, sdk};
use super::*;

async fn extract(bytes: Bytes, name: Option<&str>) -> Result<Extracted, Unreadable> {
    super::extract(bytes, name, &Reader::Here).await.unwrap()
}

async fn text(bytes: impl Into<Bytes>) -> String {
    let extracted = extract(bytes.into(), None).await.unwrap();
    extracted.pages.into_iter().map(|it| it.text).collect::<Vec<_>>().join("\n---\n")
}

async fn unreadable(bytes: impl Into<Bytes>) -> &'static str {
    extract(bytes.into(), None).await.unwrap_err().code()
}

#[tokio::test]
async fn the_pages_of_a_pdf_are_kept_apart() {
    let file = pdf(&["Une première page (été).", "Une seconde."]);
    let pages = extract(file, Some("dossier.PDF")).await.unwrap().pages;
    assert_eq!(pages[0].number, Some(1));
    assert!(pages[0].text.contains("première page (été)"), "{}", pages[0].text);
    assert_eq!(pages[1].text, "Une seconde.");
}

/// Must never: a page that nobody could read, and nobody is told of; or one
/// that takes all others with it.
#[tokio::test]
async fn a_page_that_cannot_be_read_costs_no_other_page() {
    let file = pdf_in(&[("Une première.", FONT), ("Une seconde.", ODD_FONT), ("Une autre.", FONT)]);
    let extracted = extract(file, None).await.unwrap();
    assert_eq!((extracted.pages_unread, extracted.pages_cut), (1, 0));
    let told: Vec<_> = extracted.pages.iter().map(|it| (it.number, it.text.as_str())).collect();
    assert_eq!(told, [(Some(1), "Une première."), (Some(3), "Une autre.")]);
    assert_eq!(unreadable(pdf_in(&[("Une page.", ODD_FONT)])).await, "damaged");
}

#[tokio::test]
async fn a_word_document_that_the_open_xml_sdk_wrote_is_read() {
    assert_eq!(text(sdk(&paragraph(&["Un texte."]))).await, "Un texte.");
}

#[tokio::test]
async fn a_word_document_is_read_with_tables_notes_and_text_boxes() {
    let cells = |cells: &[&str]| {
        let cells: Vec<String> = cells.iter().map(|it| paragraph(&[it])).collect();
        format!("<w:tr><w:tc>{}</w:tc></w:tr>", cells.join("</w:tc><w:tc>"))
    };
    let table =
        format!("<w:tbl>{}{}</w:tbl>", cells(&["Langue", "Niveau"]), cells(&["anglais", "B2"]));
    let boxed = format!(
        "<w:p><w:r><mc:AlternateContent><mc:Choice Requires=\"wps\"><w:txbxContent>{0}\
         </w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>{0}</w:txbxContent>\
         </mc:Fallback></mc:AlternateContent></w:r></w:p>",
        paragraph(&["en marge"])
    );
    let split = "<w:p><w:r><w:t>Élève</w:t><w:tab/><w:t xml:space=\"preserve\"> &amp; </w:t>\
                 <w:br/><w:t>maître &#233;</w:t></w:r></w:p>";
    let file = docx(&[
        ("document", &format!("<w:body>{split}{table}{boxed}</w:body>")),
        ("header1", &paragraph(&["en-tête"])),
        ("footnotes", &format!("<w:footnote>{}</w:footnote>", paragraph(&["note"]))),
        ("comments", &format!("<w:comment>{}</w:comment>", paragraph(&["remarque"]))),
    ]);
    let said = text(file).await;
    assert_eq!(
        said,
        "en-tête\n\nÉlève  &\nmaître é\nLangue | Niveau\nanglais | B2\nen marge\n\nnote"
    );
}

#[tokio::test]
async fn plain_text_is_read_whatever_its_letters_were_written_as() {
    let wide = |text: &str, little: bool| -> Vec<u8> {
        let bytes = |it: u16| if little { it.to_le_bytes() } else { it.to_be_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    };
    assert_eq!(text("été\r\nfini\n\n\n\n!").await, "été\nfini\n\n!");
    assert_eq!(text(b"\xEF\xBB\xBFBOM".to_vec()).await, "BOM");
    assert_eq!(text(b"\xE9t\xE9 \x9Coeuvre \x80".to_vec()).await, "été œoeuvre €");
    assert_eq!(text(wide("\u{FEFF}été", true)).await, "été");
    assert_eq!(text(wide("\u{FEFF}été", false)).await, "été");
    assert_eq!(text(wide("sans marque, mais large", true)).await, "sans marque, mais large");
    assert_eq!(text(wide("sans marque, mais large", false)).await, "sans marque, mais large");
}

#[tokio::test]
async fn a_file_is_what_its_bytes_say_and_a_name_that_says_otherwise_is_a_mistake() {
    let named = async |bytes: Bytes, name: &str| extract(bytes, Some(name)).await.map(|_| ());
    let word = body(&paragraph(&["texte"]));
    named(word.clone(), "notes.docx").await.unwrap();
    named(word.clone(), "notes").await.unwrap();
    named(word.clone(), "notes.bak").await.unwrap();
    let mistaken = Err(Unreadable::NotWhatItsNameSays);
    assert_eq!(named(word, "notes.pdf").await, mistaken);
    assert_eq!(named(Bytes::from_static(b"texte"), "notes.pdf").await, mistaken);
    assert_eq!(named(pdf(&["page"]), "notes.txt").await, mistaken);
    assert_eq!(named(pdf(&["page"]), "../../etc/notes.docx").await, mistaken);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_by_name() {
    assert_eq!(unreadable(&b"\x00\x01\x02\x7FELF"[..]).await, "unsupported_format");
    assert_eq!(unreadable(&b""[..]).await, "unsupported_format");
    assert_eq!(unreadable(&b" \n\t "[..]).await, "no_text");
    assert_eq!(unreadable(pdf(&["", ""])).await, "no_text");
    assert_eq!(unreadable(&b"%PDF-1.7 and then nothing"[..]).await, "damaged");
    let whole = pdf(&["une page"]);
    assert_eq!(unreadable(whole.slice(..whole.len() / 3)).await, "damaged");
    assert_eq!(unreadable(packed(&[("a.txt".into(), b"x".to_vec())])).await, "unsupported_format");
    assert_eq!(unreadable(&b"PK\x03\x04 and then nothing"[..]).await, "damaged");
    let entries = vec![("bomb".to_owned(), vec![0; 16 * 1024 * 1024])];
    assert_eq!(unreadable(packed(&entries)).await, "zip_bomb");
    let mut old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    assert_eq!(unreadable(old.clone()).await, "unsupported_format");
    old.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(unreadable(old).await, "encrypted");
}

#[tokio::test]
async fn a_pdf_with_a_password_is_told_by_name_and_one_that_may_be_read_is_read() {
    assert_eq!(unreadable(locked("secret")).await, "encrypted");
    assert_eq!(text(locked("")).await, "une page");
}

/// A PDF that opens with this password only.
fn locked(password: &str) -> Bytes {
    use pdf_extract::{EncryptionState, EncryptionVersion, Permissions};
    let mut document = pdf_extract::Document::load_mem(&pdf(&["une page"])).unwrap();
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes.into()
}

#[tokio::test]
async fn a_text_that_is_too_long_is_used_as_far_as_it_goes() {
    let extracted = extract(vec![b'a'; TEXT_BYTES_MAX + 1].into(), None).await.unwrap();
    assert!(extracted.truncated);
    assert_eq!(extracted.pages[0].text.len(), TEXT_BYTES_MAX);
}
