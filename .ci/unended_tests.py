# Names the test cases that started and did not end, from the events that `swift test --event-stream-output-path FILE` has written.
import json, sys

running = {}
for line in open(sys.argv[1], errors="replace"):
    try:
        event = json.loads(line)["payload"]
    except (ValueError, KeyError):
        continue
    test, case = event.get("testID", ""), json.dumps(event.get("_testCase"))
    if event.get("kind") == "testCaseStarted":
        messages = event.get("messages") or [{"text": ""}]
        running[test, case] = f"{test}  {messages[0]['text']}"
    elif event.get("kind") == "testCaseEnded":
        running.pop((test, case), None)
for name in list(running.values())[:40]:
    print("  " + name[:300])
