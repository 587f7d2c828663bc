import os
import sqlite3

from flask import Flask, request

app = Flask(__name__, instance_relative_config=True)
DATABASE = os.path.join(app.instance_path, "notes.db")


def create():
    with open("schema.sql") as schema, sqlite3.connect(DATABASE) as db:
        db.executescript(schema.read())


@app.route("/notes", methods=["GET", "POST"])
def notes():
    with sqlite3.connect(DATABASE) as db:
        if request.method == "POST":
            db.execute("insert into note (text) values (?)", (request.form["text"],))
        return "".join(f"{text}\n" for (text,) in db.execute("select text from note"))


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
