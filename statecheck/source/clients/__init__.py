"""What client code sends, in Python, JavaScript, HTML and shell."""
