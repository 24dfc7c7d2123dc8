"""The kinds of services, and how code, configuration and names tell which one they mean. Tables and pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

Part = Literal["url", "host", "port", "user", "password", "database"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of service.

    Attributes:
        name: how code calls it; label: how people do.
        variable: what its URL is mostly called.
        schemes: of its URLs, without a driver (`+asyncpg`).
        modules: parts of dotted modules by which its clients are known.
        words: in the names of variables.
        sinks: calls and keyword parameters that take its URL or host.
        port: its own; 0 where no throwaway server can be had, so that nothing needs to stand there.
    """

    name: str
    label: str
    variable: str
    schemes: tuple[str, ...]
    modules: tuple[str, ...]
    words: tuple[str, ...]
    sinks: tuple[str, ...]
    port: int


def _kind(
    name: str,
    label: str,
    variable: str,
    *,
    schemes: str = "",
    modules: str = "",
    words: str = "",
    sinks: str = "",
    port: int = 0,
) -> Kind:
    """One row: lists are words with spaces between them."""
    schemes_, modules_, words_, sinks_ = (tuple(each.split()) for each in (schemes, modules, words, sinks))
    return Kind(name, label, variable, schemes_, modules_, words_, sinks_, port)


KINDS = (
    _kind(
        "redis",
        "Redis",
        "REDIS_URL",
        schemes="redis rediss valkey valkeys",
        modules="redis valkey aioredis coredis redis_om rq arq",
        words="REDIS VALKEY",
        sinks="RedisChatStore RedisKVStore Redis StrictRedis Valkey RedisDsn redis_url redis_uri redis.from_url "
        "Redis.from_url aioredis.from_url redis.asyncio.from_url valkey.from_url",
        port=6379,
    ),
    _kind(
        "postgres",
        "PostgreSQL",
        "DATABASE_URL",
        schemes="postgres postgresql psql pgsql asyncpg",
        modules="psycopg psycopg2 psycopg_pool asyncpg pg8000 aiopg postgres pgvector",
        words="POSTGRES POSTGRESQL PG PSQL PGSQL PGVECTOR",
        sinks="PostgresChatStore PGVectorStore PostgresDsn AsyncConnectionPool psycopg_pool.ConnectionPool "
        "postgres_url psycopg.connect psycopg.AsyncConnection.connect psycopg2.connect asyncpg.connect "
        "asyncpg.create_pool",
        port=5432,
    ),
    _kind("mysql", "MySQL", "DATABASE_URL", schemes="mysql mariadb", modules="pymysql aiomysql asyncmy MySQLdb mysql",
          words="MYSQL MARIADB"),
    _kind("mongodb", "MongoDB", "MONGODB_URI", schemes="mongodb mongodb+srv",
          modules="pymongo motor beanie mongoengine mongodb", words="MONGO MONGODB",
          sinks="MongoClient AsyncMongoClient AsyncIOMotorClient MongoDsn", port=27017),
    _kind("dynamodb", "DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB", modules="dynamodb aioboto3", words="DYNAMODB DYNAMO"),
    _kind("rabbitmq", "RabbitMQ", "RABBITMQ_URL", schemes="amqp amqps", modules="pika aio_pika", words="RABBITMQ AMQP"),
    _kind("kafka", "Kafka", "KAFKA_BOOTSTRAP_SERVERS", schemes="kafka", modules="kafka aiokafka confluent_kafka",
          words="KAFKA"),
    _kind("elasticsearch", "Elasticsearch", "ELASTICSEARCH_URL", modules="elasticsearch opensearchpy",
          words="ELASTICSEARCH ELASTIC OPENSEARCH"),
    _kind("qdrant", "Qdrant", "QDRANT_URL", modules="qdrant_client qdrant", words="QDRANT"),
    _kind("weaviate", "Weaviate", "WEAVIATE_URL", modules="weaviate", words="WEAVIATE"),
    _kind("milvus", "Milvus", "MILVUS_URI", modules="pymilvus milvus", words="MILVUS"),
    _kind("neo4j", "Neo4j", "NEO4J_URI", schemes="neo4j bolt", modules="neo4j", words="NEO4J"),
    _kind("cassandra", "Cassandra", "CASSANDRA_HOST", modules="cassandra", words="CASSANDRA"),
    _kind("memcached", "Memcached", "MEMCACHED_HOST", schemes="memcached", modules="pymemcache aiomcache pylibmc",
          words="MEMCACHED MEMCACHE"),
    _kind("azure-tables", "Azure Table Storage", "AZURE_STORAGE_CONNECTION_STRING",
          sinks="AzureChatStore AzureChatStore.from_connection_string TableServiceClient.from_connection_string"),
    _kind("cosmos", "Azure Cosmos DB", "AZURE_COSMOSDB_CONNECTION_STRING",
          sinks="CosmosClient CosmosClient.from_connection_string AzureCosmosNoSqlChatStore.from_connection_string"),
    _kind("s3", "S3", "AWS_ENDPOINT_URL_S3", schemes="s3", modules="s3fs minio", words="MINIO"),
)  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}

_SQL_SINKS = frozenset(("create_async_engine", "create_engine", "async_database_uri", "SQLAlchemyChatStore"))
_SQL_WORDS = frozenset(("DB", "DATABASE", "SQLALCHEMY", "SQL"))
_BROKER_WORDS = frozenset(("BROKER", "CELERY", "CACHE", "QUEUE"))
_PARTS: tuple[tuple[Part, tuple[str, ...]], ...] = (
    ("url", ("URL", "URI", "DSN", "CONNECTION", "CONNSTR", "CONNINFO")),
    ("host", ("HOST", "HOSTNAME", "SERVER", "HOSTADDR")),
    ("port", ("PORT",)),
    ("user", ("USER", "USERNAME")),
    ("password", ("PASSWORD", "PASS", "PASSWD", "PWD", "AUTH")),
    ("database", ("DB", "DATABASE", "NAME", "DBNAME")),
)
_SCHEME = re.compile(r"\s*([a-z][a-z0-9]*(?:\+srv)?)(?:\+\w+)?://", re.IGNORECASE)
_DIALECTS = {"postgresql": "postgres", "postgis": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_DIALECT = re.compile(rf"(?:django(?:\.contrib\.gis)?\.db\.backends\.)?({'|'.join(_DIALECTS)})(?:\+\w+)?")
_INSIDE = re.compile(
    rf"[=?&;,\s]((?:{'|'.join(re.escape(scheme) for kind in KINDS for scheme in kind.schemes)})(?:\+\w+)?://[^\s;&,]+)",
    re.IGNORECASE,
)
_BEGINNINGS = {
    "tableendpoint": "azure-tables",
    "defaultendpointsprotocol": "azure-tables",
    "usedevelopmentstorage": "azure-tables",
    "accountendpoint": "cosmos",
}
"""{the first word of a connection string: the service that it is for}."""
_URLS = frozenset(("URL", "URI", "DSN"))


def is_service_image(image: str) -> bool:
    """Return whether a container's image is a service's own: `postgres:16`, `bitnami/redis`."""
    name = image.rpartition("/")[2].partition(":")[0].partition("@")[0].lower()
    return any(name in (kind.name, *kind.schemes, *map(str.lower, kind.words)) for kind in KINDS)


def kind_of_url(text: str) -> Kind | None:
    """The kind of service that a URL, or the beginning of one, leads to."""
    found = _SCHEME.match(text)
    return next((kind for kind in KINDS if found and found[1].lower() in kind.schemes), None)


def find_url(text: str) -> str:
    """The URL of a service in a text: the text itself, or one inside of a connection string or another URL; or ""."""
    if kind_of_url(text) is not None:
        return text
    found = _INSIDE.search(text) or _INSIDE.search(unquote(text))
    return found[1] if found else ""


def kind_of_connection(text: str) -> Kind | None:
    """The kind of service that a URL or a connection string (`TableEndpoint=http://…;AccountName=…`) leads to."""
    url = find_url(text)
    if url:
        return kind_of_url(url)
    word, equals, _ = text.strip().partition("=")
    name = _BEGINNINGS.get(word.strip().lower()) if equals else None
    return BY_NAME[name] if name else None


def kind_of_dialect(text: str) -> Kind | None:
    """The kind of service that a dialect of SQLAlchemy's or a backend of Django's is for."""
    found = _DIALECT.fullmatch(text)
    return BY_NAME[_DIALECTS[found[1]]] if found else None


def is_url(text: str) -> bool:
    """Whether a text begins as a URL does, of whatever scheme."""
    return _SCHEME.match(text) is not None


def kind_of_module(name: str) -> Kind | None:
    """The kind of service whose client a dotted module is."""
    parts = name.split(".")
    return next((kind for kind in KINDS if any(part in kind.modules for part in parts)), None)


def kind_of_variable(name: str, handed: frozenset[str], database: str = "postgres") -> Kind | None:
    """The kind of service that a variable is for, by what gets its value, else by its name.

    Args:
        handed: as `Setting.handed`.
        database: the kind of SQL database that is meant where none is named.
    """
    words = _words(name)
    if "REST" in words:  # Redis over HTTP is another service
        return None
    for kind in KINDS:
        if handed & {*kind.sinks}:
            return kind
    for kind in KINDS:
        if words & {*kind.words}:
            return kind
    if handed & _SQL_SINKS or (words & _SQL_WORDS and words & {*_URLS, "HOST", "PORT", "USER", "PASSWORD", "NAME"}):
        return BY_NAME[database]
    if words & _BROKER_WORDS and words & {*_URLS, "BACKEND"}:
        return BY_NAME["redis"]
    return None


def part_of(name: str, kind: Kind) -> Part | None:
    """What a variable of a service holds: its URL or a part of it; None for a setting of another sort."""
    ordered = [word for word in re.sub(r"\APG(?=[A-Z])", "PG_", name.upper()).split("_") if not word.isdigit()]
    if (len(ordered) == 1 and ordered[0] in kind.words) or ordered[-2:] in (
        ["RESULT", "BACKEND"],
        ["CONN", "STR"],
        ["CONNECTION", "STRING"],
    ):
        return "url"
    return next((part for part, words in _PARTS if ordered[-1] in words), None)


def _words(name: str) -> set[str]:
    return {*re.sub(r"\APG(?=[A-Z])", "PG_", name.upper()).split("_")}
