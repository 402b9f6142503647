"""moto's server, one request at a time. Usage: moto_serial.py PORT

moto looks at an item, checks the condition and writes the item in a thread for each
request, without a lock; two conditional writes at the same moment can both succeed.
DynamoDB applies the writes of one item one after the other, which this makes true.
"""

import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple


class Serial:
    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            return list(self.app(environ, start_response))


if __name__ == "__main__":
    WSGIRequestHandler.log_request = lambda *_: None
    run_simple("127.0.0.1", int(sys.argv[1]), Serial(DomainDispatcherApplication(create_backend_app)), threaded=True)
