import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ExaminedSource } from '../../src/cli/host.ts';
import { until } from '../patience.ts';
import { TestKapal } from './kapal.ts';

const flask = `from flask import Flask, request
app = Flask(__name__)

@app.get("/")
def index():
    return "Selamat datang, " + request.args.get("name", "tamu")
`;

const settings = `
import os
SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = [".localhost"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
ROOT_URLCONF = "toko.urls"
WSGI_APPLICATION = "toko.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
USE_TZ = True
`;

const django = {
  'manage.py': `import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toko.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
`,
  'toko/__init__.py': '',
  'toko/settings.py': settings,
  'toko/wsgi.py': `import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toko.settings")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
`,
  'toko/urls.py': `from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("users", lambda request: HttpResponse("users: %d" % User.objects.count()))]
`,
};

/** Packages of Debian's in place of those of the index, which tests do not reach. */
const systemPackages = 'python3 -m venv --system-site-packages .venv';

describe('Python', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(() => kapal[Symbol.asyncDispose]());

  test('a script without packages runs on the machine, and what it prints is in the log without waiting for more', async () => {
    const folder = await kapal.project('jam', {
      'server.py': `import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked for", self.path)
        self.send_response(200); self.end_headers(); self.wfile.write(b"jam")
HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
`,
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await kapal.visit('jam.localhost', '/halo')).body, 'jam');
    await until('what it printed is in the log', async () => {
      const lines = await kapal.json<readonly { text: string }[]>(['logs', 'jam', '--grep', 'asked for']);
      return lines.some(({ text }) => text === 'asked for /halo');
    });
  });

  test('an environment of its own, in the release: its programs come first', async () => {
    const folder = await kapal.project('lingkungan', {
      // Something to install that needs no index: the project itself, without a build back-end beyond the one that is there.
      'requirements.txt': '--no-index\n-e ./halo\n',
      'halo/setup.py': 'from setuptools import setup\nsetup(name="halo", version="1.0", py_modules=["halo"])\n',
      'halo/halo.py': 'def say():\n    return "halo"\n',
      'app.py': `import os, sys
from wsgiref.simple_server import make_server
import halo

def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [(halo.say() + " from " + sys.prefix).encode()]

if __name__ == "__main__":
    make_server(os.environ["HOST"], int(os.environ["PORT"]), app).serve_forever()
`,
      'kapal.yaml': `services:
  - type: web
    name: lingkungan
    envVars:
      - {key: PIP_NO_BUILD_ISOLATION, value: "0"}
`,
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.match((await kapal.visit('lingkungan.localhost')).body, /^halo from .*\/releases\/.*\/\.venv$/);
  });

  test('as a render.yaml says it: pip and python are those of an environment', async () => {
    const folder = await kapal.project('sewa', {
      'requirements.txt': '-e ./halo\n',
      'halo/setup.py': 'from setuptools import setup\nsetup(name="halo", version="1.0", py_modules=["halo"])\n',
      'halo/halo.py': 'def say():\n    return "halo"\n',
      'web.py': `import os, sys, halo
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write((halo.say() + " " + sys.prefix).encode())
HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
`,
      'render.yaml': `services:
  - type: web
    name: sewa
    runtime: python
    buildCommand: pip install --no-index --no-build-isolation -r requirements.txt
    startCommand: python web.py
`,
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.match((await kapal.visit('sewa.localhost')).body, /^halo .*\/\.venv$/);
  });

  test('Flask by gunicorn, on packages of the machine by a declared command', async () => {
    const folder = await kapal.project('warung', {
      'requirements.txt': 'Flask\ngunicorn\n',
      'app.py': flask,
      'kapal.yaml': `services: [{type: web, name: warung, buildCommand: ${systemPackages}}]`,
    });
    const seen = await kapal.json<ExaminedSource>(['detect', folder]);
    assert.match(seen.services[0]?.start ?? '', /^gunicorn app:app /);
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await kapal.visit('warung.localhost', '/?name=Sari')).body, 'Selamat datang, Sari');
  });

  test('Django is migrated before it takes requests', async () => {
    const folder = await kapal.project('toko', {
      ...django,
      'requirements.txt': 'Django>=3.2\ngunicorn\n',
      'kapal.yaml': `services:
  - type: web
    name: toko
    buildCommand: ${systemPackages}
    envVars:
      - {key: SECRET_KEY, generateValue: true}
      - {key: DATABASE, value: toko.sqlite3}
`,
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await kapal.visit('toko.localhost', '/users')).body, 'users: 0');
  });

  test('FastAPI by uvicorn', async () => {
    const folder = await kapal.project('antar', {
      'requirements.txt': 'fastapi\nuvicorn\n',
      'app/main.py':
        'from fastapi import FastAPI\n\napp = FastAPI()\n\n@app.get("/items/{item}")\ndef item(item: int):\n    return {"item": item}\n',
      'kapal.yaml': `services: [{type: web, name: antar, healthCheckPath: /items/1, buildCommand: ${systemPackages}}]`,
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await kapal.visit('antar.localhost', '/items/7')).body, '{"item":7}');
  });

  test('an install that fails ends with what pip says', async () => {
    const folder = await kapal.project('gagal', {
      'requirements.txt': '--no-index\nflask\n',
      'app.py': flask,
    });
    const [service] = (await kapal.deployFailing(folder)).services;
    assert.equal(service?.outcome, 'failed');
    assert.equal(service?.error?.code, 'build_failed');
    assert.match(service?.error?.log?.join('\n') ?? '', /No matching distribution found for flask/);
  });

  test('another version than the machine has is named with both', async () => {
    const folder = await kapal.project('lama', {
      'app.py': flask,
      'requirements.txt': 'flask',
      '.python-version': '3.5.2',
    });
    const [service] = (await kapal.deployFailing(folder)).services;
    assert.equal(service?.error?.code, 'toolchain_missing');
    assert.match(
      service?.error?.message ?? '',
      /^python3 3\.5\.2 \(\.python-version\) is asked for, and this machine has python3 3\.\d+\.\d+$/,
    );
    assert.match(service?.error?.hint ?? '', /as python3\.5, beside the other/);
  });
});
