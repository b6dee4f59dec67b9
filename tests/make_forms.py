"""Makes the docx and pdf forms of a text guide: `python tests/make_forms.py GUIDE.txt FOLDER`."""

from __future__ import annotations

import io
import sys
from pathlib import Path


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
    from xml.sax.saxutils import escape

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    style = ParagraphStyle(
        "body", fontName="STSong-Light", fontSize=size, leading=size * 1.6, wordWrap="CJK",
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


def main() -> None:
    guide, folder = Path(sys.argv[1]), Path(sys.argv[2])
    text = "\n".join(line.strip() for line in guide.read_text("utf-8-sig").splitlines() if line.strip())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{guide.stem}.docx").write_bytes(docx_form(text))
    (folder / f"{guide.stem}.pdf").write_bytes(pdf_form(text))


if __name__ == "__main__":
    main()
