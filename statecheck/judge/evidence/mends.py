"""What mends a defect of the library's own, for the causes and for `doctor`, which finds it without an app."""

MEMORY_IN_RAM = "pip install 'SQLAlchemy<2.1', or give `Memory` a database: `async_database_uri=`"
"""Where a default `Memory`, whose SQLite database is in process memory, loses what comes at once."""

MEMORY_IN_RAM_OF_THREADS = "give `Memory` a database: `async_database_uri=`, or let one thread at a time use it"
"""The same where SQLAlchemy is older: threads share one connection, and a rollback undoes another's write."""

FIRST_THAT_LOSES = (2, 1)
"""The version of SQLAlchemy from which on a default `Memory` loses what several tasks write at once."""
