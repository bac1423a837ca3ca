"""What went wrong, in words for people who do not know the doctor's checks or the kinds of jobs by name."""

from __future__ import annotations

from collections.abc import Mapping

FAILED: Mapping[str, str] = {
    "webhook": "The webhook is not as it should be",
    "webhook arrives": "No webhook arrives",
    "Label Studio": "Label Studio cannot be reached",
    "API key": "The API key does not do",
    "Redis": "Redis cannot be used",
    "Redis memory": "Redis may forget what it is told",
    "Redis on disk": "Redis cannot write to its disk",
    "annotations": "Annotations cannot all be learned from",
    "backend": "The backend is not as it should be",
    "connection": "Label Studio is not connected as it should be",
    "controls": "The controls are not all heeded",
    "label config": "The label config cannot be learned from",
    "model store": "Versions cannot be kept",
    "model version": "The model version is not as it should be",
    "other backends": "Another ML backend is in the way",
    "project": "The project cannot be worked with",
    "retrain": "The last retrain failed",
    "sampling": "Label Studio does not follow the order",
    "settings": "A setting is wrong",
    "strategy": "The strategy cannot be used",
    "tasks": "Tasks cannot all be read",
    "worker": "No worker does what it should",
    "upkeep": "The worker for short jobs does not do what it should",
    "encoding": "Encoding does not get on",
    "wrapped backend": "The wrapped ML backend is at fault",
}
"""By the doctor's check that failed; others are called by their names."""
KINDS: Mapping[str, str] = {
    "retrain": "A retrain",
    "refill": "Filling the queue",
    "flush": "Publishing what was left over",
    "clear": "Clearing old versions away",
    "look": "Looking at Label Studio's settings",
    "finetune": "Adapting the encoder",
    "choose": "Choosing an encoder",
    "wrapped": "Asking the wrapped backend",
    "map": "Making the map",
    "study": "Counting for this page",
    "serve": "Switching versions",
    "examine": "The doctor's look",
    "forward": "Telling the wrapped backend",
    "encode": "Encoding",
    "heed": "What was asked for here",
}
"""By the word that a job's id begins with."""
