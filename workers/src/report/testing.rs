//! Small real files for tests: Word documents and PDFs, made on the spot.

use std::{
    fmt::Write as _,
    io::{Cursor, Write},
};

use bytes::Bytes;
use zip::{ZipWriter, write::SimpleFileOptions};

const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

/// A document with these parts, such as `("document", "<w:p>…</w:p>")`; other names are
/// `header1`, `footer1`, `footnotes`.
pub(super) fn docx(parts: &[(&str, &str)]) -> Bytes {
    let mut types = String::new();
    let mut entries = Vec::new();
    for (name, content) in parts {
        let kind = name.trim_end_matches(|it: char| it.is_ascii_digit());
        let (kind, root) = match kind {
            "document" => ("document.main", "document"),
            "header" => ("header", "hdr"),
            "footer" => ("footer", "ftr"),
            other => (other, other),
        };
        let _infallible = write!(
            types,
            "<Override PartName=\"/word/{name}.xml\" ContentType=\"application/vnd.\
             openxmlformats-officedocument.wordprocessingml.{kind}+xml\"/>"
        );
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<w:{root} \
             xmlns:w=\"{WORD}\" xmlns:mc=\"http://schemas.openxmlformats.org/\
             markup-compatibility/2006\" xmlns:v=\"urn:schemas-microsoft-com:vml\">{content}\
             </w:{root}>"
        );
        entries.push((format!("word/{name}.xml"), xml.into_bytes()));
    }
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/\
         content-types\">{types}</Types>"
    );
    entries.insert(0, ("[Content_Types].xml".to_owned(), types.into_bytes()));
    entries.push(("word/media/logo.png".to_owned(), (0..=255).collect()));
    packed(&entries)
}

/// A document with this body.
pub(super) fn body(content: &str) -> Bytes {
    docx(&[("document", &format!("<w:body>{content}</w:body>"))])
}

/// A document with this body as Microsoft's Open XML SDK writes it.
pub(super) fn sdk(content: &str) -> Bytes {
    let types = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Types xmlns=\"http://schemas.\
        openxmlformats.org/package/2006/content-types\"><Default Extension=\"xml\" ContentType=\"\
        application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\" />\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.\
        relationships+xml\" /></Types>";
    let links = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><Relationships xmlns=\"http://\
        schemas.openxmlformats.org/package/2006/relationships\"><Relationship Type=\"http://schemas.\
        openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
        Target=\"/word/document.xml\" Id=\"R1\" /></Relationships>";
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><w:document xmlns:w=\"{WORD}\"><w:body>\
         {content}</w:body></w:document>"
    );
    // It is no part of the text, though its type is said nowhere else.
    let beside = "<properties>rien</properties>";
    let entries = [
        ("word/document.xml", document.as_str()),
        ("custom/item1.xml", beside),
        ("_rels/.rels", links),
        ("[Content_Types].xml", types),
    ];
    packed(&entries.map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec())))
}

/// A paragraph of runs with these texts.
pub(super) fn paragraph(runs: &[&str]) -> String {
    let runs: String = runs.iter().map(|it| run("", it)).collect();
    format!("<w:p>{runs}</w:p>")
}

/// A run with this formatting and text.
pub(super) fn run(format: &str, text: &str) -> String {
    let text = quick_xml::escape::escape(text);
    format!("<w:r>{format}<w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

/// A ZIP of these files.
pub(super) fn packed(entries: &[(String, Vec<u8>)]) -> Bytes {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner().into()
}

/// The font of most pages.
pub(super) const FONT: &str = "3 0 R";

/// A font that is in no order, as many a program writes one.
pub(super) const ODD_FONT: &str =
    "<< /Type /Font /Subtype /Type0 /BaseFont /Odd /Encoding /Identity-H >>";

/// A PDF with a page for each text, in the letters of Windows.
pub(super) fn pdf(pages: &[&str]) -> Bytes {
    pdf_in(&pages.iter().map(|it| (*it, FONT)).collect::<Vec<_>>())
}

/// The same, each page in a font of its own.
pub(super) fn pdf_in(pages: &[(&str, &str)]) -> Bytes {
    let mut objects: Vec<Vec<u8>> = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()];
    let kids: Vec<String> = (0..pages.len()).map(|it| format!("{} 0 R", 4 + 2 * it)).collect();
    let kids = kids.join(" ");
    objects.push(format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()).into());
    objects.push(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".into(),
    );
    for (at, (text, font)) in pages.iter().enumerate() {
        let mut drawn = String::from("BT /F1 12 Tf 72 760 Td 14 TL\n");
        for line in text.lines() {
            let line = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
            let _infallible = writeln!(drawn, "({line}) Tj T*");
        }
        drawn.push_str("ET");
        let drawn = encoding_rs::WINDOWS_1252.encode(&drawn).0.into_owned();
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
                 /Resources << /Font << /F1 {font} >> >> >>",
                5 + 2 * at
            )
            .into(),
        );
        let mut stream = format!("<< /Length {} >>\nstream\n", drawn.len()).into_bytes();
        stream.extend(drawn);
        stream.extend(b"\nendstream");
        objects.push(stream);
    }
    assembled(&objects).into()
}

fn assembled(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n", at + 1).bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let trailer = format!(
        "trailer\n<< /Size {} /Root 1 0 R /ID [<00> <00>] >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    );
    file.extend(trailer.bytes());
    file
}
