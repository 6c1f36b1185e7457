#!/usr/bin/env bash
# Subject:  Streamlit 1.67.0, a widget of a page with `persist_state="session"`, where the page is left while its script runs
# Guess:    What is chosen stays: by the documentation it "is preserved for the entire session, including across page switches".
# Happens:  The choice is lost, and no callback hears of it. Browsers send the choice, and then the change of page with the
#           widgets of the entry script alone. Of two requests that wait for the script the newer one's widgets count. Whoever
#           waits for the script keeps the choice, and what the entry script itself asks is kept in either case. Here
#           `runner.fastReruns` is off, so that the second request surely finds the first one waiting; with it on, as it is by
#           default, that is a matter of milliseconds, and on a busy machine of seconds.
# Source:   https://docs.streamlit.io/develop/api-reference/widgets/st.selectbox (`persist_state`; since
#           https://github.com/streamlit/streamlit/pull/15645); `_coalesce_widget_states` and, with fastReruns,
#           `ScriptRequests.request_stop` in streamlit/runtime/scriptrunner_utils/script_requests.py; what browsers send is
#           `onPageChange` in frontend/app/src/App.tsx
# Matters:  Who chose a model and left at once had the old one on the next page. What mien's pages remember is asked by the
#           entry script, above the page (src/mien/app/script.py).
set -euo pipefail
work=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check streamlit==1.67.0 websockets==15.0.1 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
cat > app.py <<'PY'
import time

import streamlit as st


def one():
    st.selectbox("of the page", ["old", "new"], key="page", persist_state="session")
    st.text("drawn")
    time.sleep(2)  # a page that works on something


def two():
    st.text(f"page: {st.session_state.get('page')}, entry script: {st.session_state['entry']}")


page = st.navigation([st.Page(one, default=True), st.Page(two)])
st.selectbox("of the entry script", ["old", "new"], key="entry")
page.run()
PY
port=$("$work/env/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
HOME=$work "$work/env/bin/streamlit" run app.py --server.port="$port" --server.address=127.0.0.1 --server.headless=true \
  --runner.fastReruns=false --browser.gatherUsageStats=false >streamlit.log 2>&1 &
"$work/env/bin/python" - "$port" <<'PY'
import sys
import time

import streamlit
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


def opened():
    """A wire to the app, once it listens."""
    for _ in range(600):
        try:
            return connect(f"ws://127.0.0.1:{sys.argv[1]}/_stcore/stream", subprotocols=["streamlit"], max_size=None)
        except OSError:
            time.sleep(0.1)
    sys.exit("the app did not start")


def told(waits):
    """What page two says after both choices, of a person who waits until page one is there again, or does not."""
    boxes, pages = {}, {}
    with opened() as wire:

        def send(page="", *chosen):
            message = BackMsg()
            message.rerun_script.page_script_hash = page
            for box in chosen:
                message.rerun_script.widget_states.widgets.add(id=boxes[box], string_value="new")
            wire.send(message.SerializeToString())

        def until(true):
            while True:
                answer = ForwardMsg.FromString(wire.recv(timeout=60))
                for page in answer.navigation.app_pages:
                    pages[page.url_pathname] = page.page_script_hash
                if answer.delta.new_element.HasField("selectbox"):
                    boxes[answer.delta.new_element.selectbox.label] = answer.delta.new_element.selectbox.id
                if found := true(answer):
                    return found

        send()
        until(lambda answer: answer.delta.new_element.text.body == "drawn")
        send(pages[""], "of the page", "of the entry script")
        if waits:
            until(lambda answer: answer.delta.new_element.text.body == "drawn")
        send(pages["two"], "of the entry script")
        return until(lambda answer: answer.delta.new_element.text.body.removeprefix("drawn"))


print("Streamlit", streamlit.__version__)
answers = {waits: told(waits) for waits in (True, False)}
for waits, answer in answers.items():
    print(f"{'waits' if waits else 'leaves at once'}: {answer}")
same = answers == {True: "page: new, entry script: new", False: "page: None, entry script: new"}
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
