"""Makes the docx and pdf forms of a text guide: `python tests/make_forms.py GUIDE.txt FOLDER`."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMESPACES = (
    f'xmlns:w="{W}" xmlns:r="{_R}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" xmlns:v="urn:schemas-microsoft-com:vml"'
)


def docx_form(text: str) -> bytes:
    """One paragraph for each line."""
    import docx

    document = docx.Document()
    for line in text.split("\n"):
        document.add_paragraph(line)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf_form(text: str, *, indent: bool = False, size: float = 12, numbers: bool = True) -> bytes:
    """One paragraph for each line, set as a Chinese page is, with page numbers at the foot."""

    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    style = ParagraphStyle(
        "body",
        fontName="STSong-Light",
        fontSize=size,
        leading=size * 1.6,
        wordWrap="CJK",
        firstLineIndent=2 * size if indent else 0,
    )

    def foot(canvas, document):  # type: ignore[no-untyped-def]
        if numbers:
            canvas.setFont("STSong-Light", 9)
            canvas.drawCentredString(A4[0] / 2, 30, f"— {document.page} —")

    out = io.BytesIO()
    template = SimpleDocTemplate(out, pagesize=A4, leftMargin=80, rightMargin=80, topMargin=80, bottomMargin=80)
    template.build([Paragraph(escape(line), style) for line in text.split("\n")], onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _canvas(out: io.BytesIO, **how: object):  # type: ignore[no-untyped-def]
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    canvas = Canvas(out, pagesize=A4, **how)
    canvas.setFont("STSong-Light", 12)
    return canvas


def pdf_with_table() -> bytes:
    """A page with a ruled table that goes on over pages, with running heads and page numbers."""
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

    _canvas(io.BytesIO())
    style = ParagraphStyle("body", fontName="STSong-Light", fontSize=12, leading=20, wordWrap="CJK")
    rows = [["类别", "级别", "标准"], ["平台", "国家级", "100万元"], ["", "省级", "50万元"]]
    rows += [["人才", f"{chr(65 + i % 26)}类", f"{20 + i}万元"] for i in range(60)]
    table = Table(rows, repeatRows=1, colWidths=120)
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
                ("FONTNAME", (0, 0), (-1, -1), "STSong-Light"),
                ("SPAN", (0, 1), (0, 2)),
            ]
        )
    )

    def furniture(canvas, document):  # type: ignore[no-untyped-def]
        canvas.setFont("STSong-Light", 9)
        canvas.drawString(80, A4[1] - 40, "某市财政局 内部资料")
        canvas.drawCentredString(A4[0] / 2, 30, f"第 {document.page} 页 共 3 页")

    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=A4, topMargin=80, bottomMargin=80)
    story = [
        Paragraph("关于补助标准的通知", style),
        Paragraph("补助标准如下：", style),
        table,
        Paragraph("以上由财政局解释。", style),
    ]
    document.build(story, onFirstPage=furniture, onLaterPages=furniture)
    return out.getvalue()


def pdf_columns(left: list[str], right: list[str]) -> bytes:
    """Two columns, written line by line across the page."""
    out = io.BytesIO()
    canvas = _canvas(out)
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        canvas.drawString(60, 720 - 24 * i, a)
        canvas.drawString(320, 720 - 24 * i, b)
    canvas.save()
    return out.getvalue()


def pdf_placed(*runs: tuple[float, float, str]) -> bytes:
    """A page with each text where it is told to stand; at 0 from the left it is centred."""
    out = io.BytesIO()
    canvas = _canvas(out)
    for x, y, text in runs:
        canvas.drawString(x, y, text) if x else canvas.drawCentredString(297, y, text)
    canvas.save()
    return out.getvalue()


def pdf_scanned(pages: int = 2) -> bytes:
    """Pages that are pictures."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    out = io.BytesIO()
    canvas = _canvas(out)
    for _ in range(pages):
        canvas.drawImage(ImageReader(Image.new("L", (60, 80), 200)), 0, 0, 590, 840)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def pdf_encrypted() -> bytes:
    """A page that opens only with a password."""
    out = io.BytesIO()
    canvas = _canvas(out, encrypt="secret")
    canvas.drawString(60, 720, "第一条 为规范申报，制定本办法。")
    canvas.save()
    return out.getvalue()


def raw_docx(body: str, **parts: str) -> bytes:
    """A docx of hand-written XML: the body, and the insides of numbering, styles, footnotes, endnotes."""
    tops = {"numbering": "numbering", "styles": "styles", "footnotes": "footnotes", "endnotes": "endnotes"}
    kinds = "".join(
        f'<Override PartName="/word/{n}.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.{n}+xml"/>'
        for n in parts
    )
    links = "".join(f'<Relationship Id="r{i}" Type="{_R}/{n}" Target="{n}.xml"/>' for i, n in enumerate(parts))
    files = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType='
        f'"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>{kinds}</Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r0" Type="{_R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{links}</Relationships>",
        "word/document.xml": f"<w:document {_NAMESPACES}><w:body>{body}</w:body></w:document>",
    }
    for name, inside in parts.items():
        files[f"word/{name}.xml"] = f"<w:{tops[name]} {_NAMESPACES}>{inside}</w:{tops[name]}>"
    return zipped(files)


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip file of `files`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def para(text: str, properties: str = "", run: str = "") -> str:
    """A paragraph of one run, as XML."""
    return (
        f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr>"
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )


def item(text: str, number: int, level: int = 0) -> str:
    """A paragraph in list `number`."""
    return para(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


def levels(*specs: str) -> str:
    """Levels of a list from "format|text", "format|text|start" or "format|text|start|more XML"."""
    out = ""
    for i, spec in enumerate(specs):
        fmt, text, start, more = (*spec.split("|"), "", "")[:4]
        out += (
            f'<w:lvl w:ilvl="{i}"><w:start w:val="{start or 1}"/><w:numFmt w:val="{fmt}"/>{more}'
            f'<w:lvlText w:val="{text}"/><w:lvlJc w:val="left"/></w:lvl>'
        )
    return out


def numbering(abstracts: dict[int, str], lists: dict[int, tuple[int, str]]) -> str:
    """The inside of numbering.xml: levels by abstract list, (abstract list, overrides) by list."""
    return "".join(
        f'<w:abstractNum w:abstractNumId="{k}"><w:multiLevelType w:val="multilevel"/>{v}</w:abstractNum>'
        for k, v in abstracts.items()
    ) + "".join(f'<w:num w:numId="{k}"><w:abstractNumId w:val="{a}"/>{more}</w:num>' for k, (a, more) in lists.items())


def main() -> None:
    guide, folder = Path(sys.argv[1]), Path(sys.argv[2])
    text = "\n".join(line.strip() for line in guide.read_text("utf-8-sig").splitlines() if line.strip())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{guide.stem}.docx").write_bytes(docx_form(text))
    (folder / f"{guide.stem}.pdf").write_bytes(pdf_form(text))


if __name__ == "__main__":
    main()
