"""A chat on a WebSocket whose conversation is a list of the connection.

Start it here, connect with any WebSocket client, say something, and connect again; the second connection knows nothing:

    uvicorn broken:app
    websocat ws://localhost:8000/desk/ada
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()


@app.websocket("/desk/{guest}")
async def desk(line: WebSocket, guest: str):
    await line.accept()
    spoken: list[ChatMessage] = []
    try:
        while True:
            spoken.append(ChatMessage(role="user", content=await line.receive_text()))
            response = await Settings.llm.achat(spoken)
            spoken.append(response.message)
            await line.send_json({"answer": response.message.content, "memory_size": len(spoken)})
    except WebSocketDisconnect:
        return
