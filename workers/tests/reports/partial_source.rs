//! Sources of which not everything can be read.

use domain::report::ReportInput;

use super::{SOURCES, completed, input, spec, world::World};

/// A PDF of two pages, of which the second is in a font that is none.
fn partly_readable_pdf() -> Vec<u8> {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    let odd = "<< /Type /Font /Subtype /Type0 /BaseFont /Odd /Encoding /Identity-H >>";
    let says = "BT /F1 12 Tf 72 720 Td (Profession : jardinier) Tj ET";
    let page = |font| {
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R \
             /Resources << /Font << /F1 {font} >> >> >>"
        )
    };
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>".to_owned(),
        page(font),
        page(odd),
        format!("<< /Length {} >> stream\n{says}\nendstream", says.len()),
    ];
    let (mut file, mut places) = ("%PDF-1.4\n".to_owned(), Vec::new());
    for (number, object) in (1..).zip(objects) {
        places.push(format!("{:010} 00000 n \n", file.len()));
        file = format!("{file}{number} 0 obj\n{object}\nendobj\n");
    }
    let (table, places) = (file.len(), places.concat());
    let file = format!(
        "{file}xref\n0 6\n0000000000 65535 f \n{places}trailer\n<< /Size 6 /Root 1 0 R >>\n\
         startxref\n{table}\n%%EOF\n"
    );
    file.into_bytes()
}

/// Must never: pages that are left out, and nobody is told.
#[tokio::test]
async fn a_source_that_is_read_in_part_is_used_and_the_report_succeeds_with_errors() {
    let mut world = World::new().await;
    world.start(None);
    let spec = spec(&world, &[&partly_readable_pdf(), SOURCES[2].1]).await;
    let job = world.request(spec, &ReportInput { names: Vec::new(), ..input() }).await;
    let (done, written) = completed(world.ended(job).await.1);
    assert_eq!(done.errors, 1);
    let provenance = world.provenance(written.provenance.sha256).await;
    let told: Vec<_> = provenance.sources.iter().map(|it| (it.pages, it.pages_unread)).collect();
    assert_eq!(told, [(Some(1), 1), (None, 0)]);
    let profession = provenance.fields.iter().find(|it| it.key == "PROFESSION").unwrap();
    assert!(profession.value.contains("ardinier"), "{profession:?}");
    let log = world.log(job).await;
    assert!(log.contains("source 1 is used in part: 1 of 2 pages cannot be read"), "{log}");
    world.stopped().await;
}

/// Must never: an end that is left out, and nobody is told but the log.
#[tokio::test]
async fn a_source_whose_end_is_not_used_is_an_error_of_the_report() {
    let mut world = World::new().await;
    world.start(None);
    // What is white takes up room, and no time.
    let too_long = format!("Profession : jardinier.\n{}fin", " ".repeat(9 * 1024 * 1024));
    let spec = spec(&world, &[too_long.as_bytes(), SOURCES[2].1]).await;
    let job = world.request(spec, &ReportInput { names: Vec::new(), ..input() }).await;
    let (done, written) = completed(world.ended(job).await.1);
    assert_eq!(done.errors, 1);
    let provenance = world.provenance(written.provenance.sha256).await;
    let told: Vec<_> = provenance.sources.iter().map(|it| (it.truncated, &it.error)).collect();
    assert_eq!(told, [(true, &None), (false, &None)]);
    let log = world.log(job).await;
    assert!(log.contains("source 1 is too long: its end is not used"), "{log}");
    world.stopped().await;
}
