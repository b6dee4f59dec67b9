"""The page: a FastAPI application of ours with Gradio mounted in it, behind one gate."""

from bot.web.app import create_app
from bot.web.server import serve

__all__ = ["create_app", "serve"]
