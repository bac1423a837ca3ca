"""What gunicorn (`gunicorn backend._wsgi:app`) and `label-studio-ml start backend` run."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Run as a script, the folder itself leads the search path, and its modules would hide others'
    # of the same name; the package lies one level up.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from backend.lasting import end_quickly, lasting

with lasting():
    from backend.store.bucket import wait_briefly
    from backend.web import create_app

if __name__ == "__main__":
    import argparse

    from backend.running.serve import serve
    from backend.settings import Settings

    parser = argparse.ArgumentParser(description="label-studio-atlas, as label-studio-ml starts it")
    parser.add_argument("-p", "--port", type=int, default=9090, help="Server port")
    parser.add_argument("--host", default="0.0.0.0", help="Server host")
    known, _ = parser.parse_known_args()
    serve(Settings(host=known.host, port=known.port))
else:
    wait_briefly()  # for the model store: Label Studio waits for a second, or three
    end_quickly()
    app = create_app()
