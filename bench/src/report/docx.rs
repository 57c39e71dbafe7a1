//! Documents as DOCX: sources, and the template.

use std::io::{Cursor, Write};

use zip::{ZipWriter, write::SimpleFileOptions};

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;

const RELATIONSHIPS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;

const BEGINNING: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>"#;

const END: &str = "<w:sectPr/></w:body></w:document>";

/// One paragraph a line. The lines hold nothing that XML would take for its
/// own.
pub(super) fn of<'a>(lines: impl Iterator<Item = &'a str>) -> anyhow::Result<Vec<u8>> {
    let mut document = BEGINNING.to_owned();
    for line in lines {
        document.push_str("<w:p><w:r><w:t xml:space=\"preserve\">");
        document.push_str(line);
        document.push_str("</w:t></w:r></w:p>");
    }
    document.push_str(END);

    let mut package = ZipWriter::new(Cursor::new(Vec::new()));
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONSHIPS),
        ("word/document.xml", &document),
    ];
    for (name, content) in parts {
        package.start_file(name, SimpleFileOptions::default())?;
        package.write_all(content.as_bytes())?;
    }
    Ok(package.finish()?.into_inner())
}
