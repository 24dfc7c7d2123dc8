"""A picture in a message: `DynamoDBChatStore` takes it and cannot read it, so that the conversation is over.

Start it here and send two of these; the second one is answered with an error, and so is every later one:

    pip install llama-index-storage-chat-store-dynamodb moto
    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import boto3
from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, ImageBlock, MockLLM, TextBlock
from llama_index.storage.chat_store.dynamodb import DynamoDBChatStore
from moto import mock_aws

REGION = "eu-west-1"
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

mock_aws().start()  # an AWS in this process, so that no account is needed
boto3.client("dynamodb", region_name=REGION).create_table(
    TableName="conversations",
    KeySchema=[{"AttributeName": "SessionId", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "SessionId", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)

app = FastAPI()
store = DynamoDBChatStore(table_name="conversations", region_name=REGION)
AVATAR = b"\x89PNG\r\n\x1a\n" + bytes(16)


@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    blocks = [TextBlock(text=payload["message"]), ImageBlock(image=AVATAR, image_mimetype="image/png")]
    question = ChatMessage(role="user", blocks=blocks)
    said = store.get_messages(session_id)
    answer = Settings.llm.chat([*said, question])
    store.set_messages(session_id, [*said, question, answer.message])
    return {"answer": str(answer)}
