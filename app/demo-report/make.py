"""Makes the files of the demonstration's report: a template, and three sources about nobody.

Run it beside this file; what it writes is checked in. Nothing but Python is needed.
"""

import io
import zipfile
from xml.sax.saxutils import escape

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMESPACES = (
    f'xmlns:w="{WORD}" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml."
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def run(text, *, bold=False, italic=False, color=None, size=None):
    look = "<w:b/>" * bold + "<w:i/>" * italic
    look += f'<w:color w:val="{color}"/>' if color else ""
    look += f'<w:sz w:val="{size}"/>' if size else ""
    look = f"<w:rPr>{look}</w:rPr>" if look else ""
    return f'<w:r>{look}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(*runs, align=None, after=120):
    align = f'<w:jc w:val="{align}"/>' if align else ""
    return f'<w:p><w:pPr><w:spacing w:after="{after}"/>{align}</w:pPr>{"".join(runs)}</w:p>'


def heading(text):
    return paragraph(run(text, bold=True, color="1F3864", size=26), after=60)


def table(rows):
    borders = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:color="999999"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    cells = "".join(
        "<w:tr>"
        f'<w:tc><w:tcPr><w:tcW w:w="3000" w:type="dxa"/><w:shd w:val="clear" w:fill="E7ECF5"/>'
        f"</w:tcPr>{paragraph(run(label, bold=True), after=40)}</w:tc>"
        f'<w:tc><w:tcPr><w:tcW w:w="6000" w:type="dxa"/></w:tcPr>'
        f"{paragraph(*value, after=40)}</w:tc></w:tr>"
        for label, value in rows
    )
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="9000" w:type="dxa"/><w:tblBorders>{borders}</w:tblBorders>'
        '</w:tblPr><w:tblGrid><w:gridCol w:w="3000"/><w:gridCol w:w="6000"/></w:tblGrid>'
        f"{cells}</w:tbl>"
    )


def text_box(content):
    inside = f"<w:txbxContent>{content}</w:txbxContent>"
    return (
        "<w:r><mc:AlternateContent><mc:Choice Requires=\"wps\"><w:drawing>"
        '<wp:anchor distT="0" distB="0" distL="114300" distR="114300" simplePos="0" '
        'relativeHeight="2" behindDoc="0" locked="0" layoutInCell="1" allowOverlap="0">'
        '<wp:simplePos x="0" y="0"/><wp:positionH relativeFrom="margin"><wp:align>right'
        '</wp:align></wp:positionH><wp:positionV relativeFrom="paragraph"><wp:posOffset>0'
        '</wp:posOffset></wp:positionV><wp:extent cx="2160000" cy="540000"/>'
        '<wp:wrapSquare wrapText="bothSides"/><wp:docPr id="1" name="Box"/><wp:cNvGraphicFramePr/>'
        '<a:graphic><a:graphicData '
        'uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">'
        '<wps:wsp><wps:cNvSpPr txBox="1"/><wps:spPr><a:xfrm><a:off x="0" y="0"/>'
        '<a:ext cx="2160000" cy="540000"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
        '</a:prstGeom><a:ln w="6350"><a:solidFill><a:srgbClr val="1F3864"/></a:solidFill></a:ln>'
        f"</wps:spPr><wps:txbx>{inside}</wps:txbx><wps:bodyPr/></wps:wsp>"
        "</a:graphicData></a:graphic></wp:anchor></w:drawing></mc:Choice><mc:Fallback><w:pict>"
        '<v:rect style="width:170pt;height:42pt"><v:textbox>'
        f"{inside}</v:textbox></v:rect></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


def document(body, header=None, footer=None):
    """A Word document: the fewest parts that Word and LibreOffice open."""
    parts = {"word/document.xml": ("document.main", "w:document", None)}
    section = relations = ""
    types = [("document", "document.main")]
    for name, content in (("header", header), ("footer", footer)):
        if content is not None:
            section += f'<w:{name}Reference w:type="default" r:id="{name}"/>'
            relations += f'<Relationship Id="{name}" Type="{RELATION}{name}" Target="{name}1.xml"/>'
            types.append((f"{name}1", name))
    section += '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1600" w:right="1400" '
    section += 'w:bottom="1400" w:left="1400" w:header="700" w:footer="700" w:gutter="0"/>'
    start = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    package = "http://schemas.openxmlformats.org/package/2006/"
    overrides = "".join(
        f'<Override PartName="/word/{part}.xml" ContentType="{KIND}{kind}+xml"/>'
        for part, kind in types
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}relationships"><Relationship Id="document" '
        f'Type="{RELATION}officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}relationships">'
        f"{relations}</Relationships>",
        "word/document.xml": f"<w:document {NAMESPACES}><w:body>{body}<w:sectPr>{section}"
        "</w:sectPr></w:body></w:document>",
    }
    if header is not None:
        files["word/header1.xml"] = f"<w:hdr {NAMESPACES}>{header}</w:hdr>"
    if footer is not None:
        files["word/footer1.xml"] = f"<w:ftr {NAMESPACES}>{footer}</w:ftr>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, start + content)
    return packed.getvalue()


def pdf(pages):
    """A PDF with a page for each list of lines."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for at, lines in enumerate(pages):
        drawn = "BT /F1 11 Tf 72 770 Td 16 TL\n"
        for line in lines:
            line = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
            drawn += f"({line}) Tj T*\n"
        drawn = (drawn + "ET").encode("cp1252")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * at} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        xref,
    )


TEMPLATE = document(
    header=paragraph(
        run("Atelier de l'Exemple", bold=True, color="1F3864"),
        run("  ·  bilan de "),
        run("{{SUR", italic=True),
        run("NAME}} {{NAME}}"),
        align="right",
    ),
    footer=paragraph(run("{{LIEU_ET_DATE}}", italic=True, color="666666"), align="center"),
    body=paragraph(
        run("Bilan de mesure", bold=True, color="1F3864", size=40),
        text_box(paragraph(run("N° AVS", bold=True, size=18), after=0)
                 + paragraph(run("{{NUMERO_AVS}}", size=20), after=0)),
    )
    + paragraph(
        run("Ce bilan concerne "),
        run("{", bold=True),
        run("{SURNAME}", bold=True),
        run("}", bold=True, italic=True),
        run(" {{NA", bold=True),
        run("ME}}", bold=True),
        run(". Il a été établi à partir du dossier et de nos observations."),
    )
    + table(
        [
            ("Profession", [run("{{PROFESSION}}")]),
            ("Anglais", [run("{{LANGUE_"), run("ANGLAIS}}", bold=True)]),
            ("Attention", [run("{{TEST_ATTENTION}}")]),
            ("Permis de conduire", [run("{{PERMIS}}")]),
        ]
    )
    + paragraph(run(""))
    + heading("Formation")
    + paragraph(run("{{FORMATION}}"))
    + heading("Stage")
    + paragraph(run("{{STAGE}}"))
    + heading("Points forts")
    + paragraph(run("{{POINTS_FORTS}}", color="2E7D32"))
    + heading("Obstacles")
    + paragraph(run("{{OBSTACLES}}"))
    + heading("Conclusion")
    + paragraph(run("{{CONCLUSION}}")),
)

INTERVIEW = pdf(
    [
        [
            "Entretien d'accueil",
            "",
            "N° AVS : 756.9217.0769.85",
            "Profession : menuisière, puis dessinatrice en menuiserie",
            "",
            "Camille Exemple a suivi une formation de menuisière à l'école des métiers. Cette",
            "formation a duré quatre ans et s'est achevée par un certificat fédéral de capacité.",
            "Une formation complémentaire de dessin assisté par ordinateur a suivi en 2021.",
            "",
            "Langues : français langue maternelle, anglais B2, allemand A2.",
        ],
        [
            "Obstacles",
            "",
            "Le principal obstacle est le port de charges, que le médecin limite à dix kilos.",
            "Les déplacements ne sont pas un obstacle.",
        ],
    ]
)

PLACEMENT = document(
    paragraph(run("Rapport de stage", bold=True, size=32))
    + paragraph(
        run("Le stage s'est déroulé pendant six semaines au bureau technique de la menuiserie "),
        run("du Lac", bold=True),
        run(". Pendant le stage, les plans de douze commandes ont été dessinés sans erreur."),
    )
    + table(
        [
            ("Test d'attention", [run("Bon début, mais l'attention reste à renforcer.")]),
            ("Test de logique", [run("OK")]),
        ]
    )
    + paragraph(run("Points forts : précision, ponctualité, goût du dessin"))
)

NOTES = """Notes de suivi

La conclusion de l'équipe : une reprise à 80 % comme dessinatrice en menuiserie est réaliste.
En conclusion, l'équipe recommande un contrat d'essai de trois mois.

Repas de midi pris avec l'équipe. Bonne humeur générale.
"""


def main():
    files = {
        "template.docx": TEMPLATE,
        "interview.pdf": INTERVIEW,
        "placement.docx": PLACEMENT,
        "notes.txt": NOTES.encode("cp1252"),
    }
    for name, content in files.items():
        with open(name, "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main()
