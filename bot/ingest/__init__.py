"""Files → clean text: `read_source` for one, `read_corpus` for a folder with its corpus.toml."""

from bot.ingest.corpus import CorpusRead, read_corpus, suggest_toml, write_checksums
from bot.ingest.read import read_source

__all__ = ["CorpusRead", "read_corpus", "read_source", "suggest_toml", "write_checksums"]
