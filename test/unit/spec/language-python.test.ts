import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commandsOf, needOf, outcomeOf } from './recipe-of.ts';
import type { Tree } from './source.ts';

const venv = 'python3 -m venv --clear .venv';
const pip = (what: string) => [venv, `.venv/bin/pip install ${what}`];
const shape = '--bind $HOST:$PORT --workers ${WEB_CONCURRENCY:-2} --threads 4';
const flask = 'from flask import Flask\napp = Flask(__name__)\n';
const fastapi = 'from fastapi import FastAPI\n\napp = FastAPI(title="Shop")\n';
const managePy = `#!/usr/bin/env python
import os
def main():
    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')
    from django.core.management import execute_from_command_line
`;
const settings = `
DEBUG = False
INSTALLED_APPS = ['django.contrib.admin', 'django.contrib.staticfiles']
WSGI_APPLICATION = 'shop.wsgi.application'
DATABASES = {'default': dj_database_url.config()}
STATIC_ROOT = BASE_DIR / 'staticfiles'
`;
const django: Tree = { 'manage.py': managePy, 'shop/settings.py': settings, 'shop/wsgi.py': '', 'shop/asgi.py': '' };

interface Case {
  readonly name: string;
  readonly tree: Tree;
  readonly start: string;
  readonly commands: readonly string[];
  readonly preDeploy?: string;
  readonly notes?: readonly RegExp[];
}

const collect = (place = '') =>
  `[ "\${DISABLE_COLLECTSTATIC:-0}" != 0 ] || { ${place}python3 manage.py collectstatic --noinput; }`;
const migrate = 'python3 manage.py migrate --noinput';

const cases: readonly Case[] = [
  {
    name: 'Flask with gunicorn',
    tree: { 'requirements.txt': 'Flask==2.0.1\ngunicorn\n', 'app.py': flask },
    start: `gunicorn app:app ${shape}`,
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'Flask without a server: its own, with a note',
    tree: { 'requirements.txt': '# web\nflask>=2 # the framework\n', 'main.py': flask },
    start: 'FLASK_APP=main:app python3 -m flask run --host $HOST --port $PORT',
    commands: pip('-r requirements.txt'),
    notes: [/development server.*gunicorn/],
  },
  {
    name: 'Flask with waitress and a factory in a package',
    tree: {
      'requirements.txt': 'flask\nwaitress\n',
      'flaskr/__init__.py':
        'from flask import Flask\n\ndef create_app(test_config=None):\n    app = Flask(__name__)\n    return app\n',
    },
    start: 'waitress-serve --listen=$HOST:$PORT --call flaskr:create_app',
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'Flask with a wsgi.py that imports it',
    tree: {
      'requirements.txt': 'flask\ngunicorn\n',
      'wsgi.py': 'from shop import create_app\n\napplication = create_app()\n',
      'shop/__init__.py': 'def create_app():\n    pass\n',
    },
    start: `gunicorn wsgi:application ${shape}`,
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'Flask in a file of its own name',
    tree: {
      'requirements.txt': 'flask\ngunicorn',
      'microblog.py': 'from app import create_app, db\n\napp = create_app()\n',
      'app/__init__.py': 'def create_app(config_class=Config):\n    pass\n',
      'config.py': '',
    },
    start: `gunicorn microblog:app ${shape}`,
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'an app.py that a package app hides from whoever imports it',
    tree: {
      'requirements.txt': 'flask\ngunicorn',
      'app.py': 'from app import create_app\n\napp = create_app()\n',
      'app/__init__.py': 'def create_app():\n    pass\n',
    },
    start: `gunicorn 'app:create_app()' ${shape}`,
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'Flask-SocketIO, whose sessions live in one process',
    tree: { 'requirements.txt': 'flask\nFlask_SocketIO\ngunicorn\neventlet\n', 'app.py': flask },
    start: 'gunicorn app:app --bind $HOST:$PORT --workers 1 --worker-class eventlet',
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'gunicorn with settings of its own',
    tree: { 'requirements.txt': 'flask\ngunicorn', 'app.py': flask, 'gunicorn.conf.py': 'workers = 5' },
    start: 'gunicorn app:app --bind $HOST:$PORT',
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'a list that PowerShell wrote (UTF-16, read as UTF-8)',
    tree: { 'requirements.txt': '\uFFFD\uFFFDf\0l\0a\0s\0k\0\r\0\n\0g\0u\0n\0i\0c\0o\0r\0n\0', 'app.py': flask },
    start: `gunicorn app:app ${shape}`,
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'FastAPI by uv',
    tree: {
      'pyproject.toml':
        '[project]\nname = "shop"\nrequires-python = ">=3.13"\ndependencies = [\n  "fastapi[standard]>=0.115", # web\n]\n',
      'uv.lock': 'version = 1',
      'app/__init__.py': '',
      'app/main.py': `from app.routers import items\n${fastapi}`,
      'app/routers/items.py': '',
    },
    start: 'uvicorn app.main:app --host $HOST --port $PORT',
    commands: ['uv sync --frozen --no-dev'],
  },
  {
    name: 'FastAPI by poetry, with a package',
    tree: {
      'pyproject.toml':
        '[tool.poetry]\nname = "my-shop"\n[tool.poetry.dependencies]\npython = "^3.9"\nfastapi = "^0.95"\nuvicorn = {extras = ["standard"], version = "^0.21"}\n',
      'poetry.lock': '',
      'my_shop/__init__.py': '',
      'my_shop/main.py': fastapi,
    },
    start: 'uvicorn my_shop.main:app --host $HOST --port $PORT',
    commands: ['poetry install --only main --no-interaction'],
  },
  {
    name: 'FastAPI by poetry, where no package is',
    tree: {
      'pyproject.toml':
        '[tool.poetry]\nname = "api"\n[tool.poetry.dependencies]\npython = "^3.9"\nfastapi = "*"\nuvicorn = "*"\n',
      'main.py': fastapi,
    },
    start: 'uvicorn main:app --host $HOST --port $PORT',
    commands: ['poetry install --only main --no-interaction --no-root'],
  },
  {
    name: 'FastAPI in a folder that is no package',
    tree: {
      'requirements.txt': 'fastapi\nuvicorn',
      'src/main.py': `from database import engine\n${fastapi}`,
      'src/database.py': '',
    },
    start: 'uvicorn main:app --app-dir src --host $HOST --port $PORT',
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'FastAPI with a factory and hypercorn',
    tree: {
      'requirements.txt': 'fastapi\nhypercorn',
      'server.py': 'def create_app() -> FastAPI:\n    return FastAPI()\n',
    },
    start: "hypercorn 'server:create_app()' --bind $HOST:$PORT",
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'a project without lock and without a way to build it: its packages alone',
    tree: {
      'pyproject.toml':
        '[project]\nname = "x"\ndependencies = ["starlette>=0.3,<1", "uvicorn; python_version > \'3.6\'"]\n',
      'app.py': 'from starlette.applications import Starlette\napp: Starlette = Starlette(routes=[])\n',
    },
    start: 'uvicorn app:app --host $HOST --port $PORT',
    commands: pip("'starlette>=0.3,<1' 'uvicorn; python_version > '\\''3.6'\\'''"),
  },
  {
    name: 'a project that says how it is built',
    tree: {
      'pyproject.toml':
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "shop"\ndependencies = ["flask", "gunicorn"]\n',
      'src/shop/__init__.py': '',
      'src/shop/app.py': flask,
    },
    start: `gunicorn shop.app:app --chdir src ${shape}`,
    commands: pip('.'),
  },
  {
    name: 'Pipfile with its lock',
    tree: {
      Pipfile: '[packages]\nbottle = "*"\ngunicorn = "*"\n[requires]\npython_version = "3.11"\n',
      'Pipfile.lock': '{}',
      'app.py': 'import bottle\napp = bottle.Bottle()\n',
    },
    start: `gunicorn app:app ${shape}`,
    commands: ['pipenv sync'],
  },
  {
    name: 'Django with gunicorn',
    tree: { ...django, 'requirements.txt': 'Django==4.2\ngunicorn\nwhitenoise\npsycopg2-binary\n' },
    start: `gunicorn shop.wsgi:application ${shape}`,
    commands: [...pip('-r requirements.txt'), collect()],
    preDeploy: migrate,
  },
  {
    name: 'Django below, its packages at the top',
    tree: {
      'requirements.txt': 'django\ngunicorn\nwhitenoise',
      ...Object.fromEntries(Object.entries(django).map(([path, text]) => [`my site/${path}`, text])),
    },
    start: `cd './my site' && gunicorn shop.wsgi:application ${shape}`,
    commands: [...pip('-r requirements.txt'), collect("cd './my site' && ")],
    preDeploy: `cd './my site' && ${migrate}`,
  },
  {
    name: 'Django with channels: ASGI',
    tree: { ...django, 'requirements.txt': 'django\nchannels[daphne]\ngunicorn\nwhitenoise' },
    start: 'daphne -b $HOST -p $PORT shop.asgi:application',
    commands: [...pip('-r requirements.txt'), collect()],
    preDeploy: migrate,
  },
  {
    name: 'Django of a beginner: its development server, SQLite, DEBUG',
    tree: {
      'requirements.txt': 'django',
      'manage.py': managePy,
      'shop/wsgi.py': '',
      'shop/settings.py':
        "DEBUG = True\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3'}}\n",
    },
    start: 'python3 manage.py runserver $HOST:$PORT --noreload',
    commands: pip('-r requirements.txt'),
    preDeploy: migrate,
    notes: [/development server/, /DEBUG = True/, /SQLite file in the release/],
  },
  {
    name: 'Streamlit',
    tree: { 'requirements.txt': 'streamlit', 'app.py': 'import streamlit as st\nst.title("x")\n' },
    start: 'streamlit run app.py --server.address $HOST --server.port $PORT --server.headless true',
    commands: pip('-r requirements.txt'),
  },
  {
    name: 'a script alone, without packages: nothing to build',
    tree: {
      'server.py':
        'import os\nfrom http.server import HTTPServer\nHTTPServer(("", int(os.environ["PORT"])), H).serve_forever()\n',
    },
    start: 'python3 server.py',
    commands: [],
  },
  {
    name: 'a script that does not read PORT',
    tree: { 'requirements.txt': 'aiohttp', 'main.py': 'from aiohttp import web\nweb.run_app(app)\n' },
    start: 'python3 main.py',
    commands: pip('-r requirements.txt'),
    notes: [/does not read the variable PORT/],
  },
  {
    name: 'lists that include lists',
    tree: {
      'requirements/base.txt': 'flask\n',
      'requirements/prod.txt': '-r base.txt\n-r ../more.txt\n',
      'more.txt': 'git+https://example.com/gunicorn.git#egg=gunicorn\n',
      'app.py': flask,
    },
    start: `gunicorn app:app ${shape}`,
    commands: pip('-r requirements/prod.txt'),
  },
];

describe('Python', () => {
  for (const { name, tree, start, commands, preDeploy, notes = [] } of cases) {
    test(name, () => {
      const outcome = outcomeOf(tree);
      assert.equal(outcome.service.runtime, 'python');
      assert.deepEqual(outcome.service.commands, { build: null, preDeploy: preDeploy ?? null, start });
      // Tools that may have to be fetched have lines of their own before the command.
      assert.deepEqual(
        commandsOf(outcome).map((command) => command.split('\n').at(-1)),
        commands,
      );
      assert.equal(outcome.notes.length, notes.length, outcome.notes.join('\n'));
      for (const [at, note] of notes.entries()) assert.match(outcome.notes[at] ?? '', note);
      assert.deepEqual(outcome.recipe.path, ['.venv/bin']);
      assert.ok(needOf(outcome, 'python3')?.packages.includes('python3-venv') === commands.length > 0);
    });
  }

  test('the version that is pinned, under its own name too', () => {
    const outcome = outcomeOf({
      'requirements.txt': 'flask\npsycopg2',
      'app.py': flask,
      'runtime.txt': 'python-3.10.4\n',
    });
    const need = needOf(outcome, 'python3')?.version;
    assert.deepEqual([need?.range, need?.said, need?.also], ['3.10', 'python-3.10.4 (runtime.txt)', ['python3.10']]);
    assert.equal(commandsOf(outcome)[0], '"$(command -v python3.10 || command -v python3)" -m venv --clear .venv');
    assert.deepEqual(needOf(outcome, 'pg_config')?.packages, ['libpq-dev', 'build-essential', 'python3-dev']);
  });

  test('settings of Django for servers, where manage.py names others', () => {
    const { recipe } = outcomeOf({
      'requirements/production.txt': 'django\ngunicorn',
      'manage.py': managePy.replace('shop.settings', 'config.settings.local'),
      'config/settings/base.py': settings.replace('shop.wsgi', 'config.wsgi'),
      'config/settings/local.py': 'from .base import *\nDEBUG = True\n',
      'config/settings/production.py': 'from .base import *\n',
      'config/wsgi.py': '',
    });
    assert.equal(recipe.environment['DJANGO_SETTINGS_MODULE'], 'config.settings.production');
  });

  test('a declared command takes the place of all steps, and finds an environment and the tools that it names', () => {
    const declared = (command: string) =>
      outcomeOf({
        'kapal.yaml': `services: [{type: web, name: api, buildCommand: "${command}", startCommand: ./run}]`,
        'requirements.txt': 'flask\npsycopg2',
        'app.py': flask,
      });
    const outcome = declared('pip install -r requirements.txt');
    assert.deepEqual(commandsOf(outcome), [venv, 'pip install -r requirements.txt']);
    assert.deepEqual(outcome.recipe.path, ['.venv/bin']);
    assert.deepEqual(outcome.recipe.requires.length, 1);
    const tools = commandsOf(declared('poetry install'));
    assert.deepEqual([tools.length, tools[0], tools[2]], [3, venv, 'poetry install']);
    assert.match(tools[1] ?? '', /ln -sf "\$tool\/bin\/poetry" \.venv\/bin\/poetry$/);
    const own = declared('python3 -m venv --system-site-packages .venv');
    assert.deepEqual(commandsOf(own), ['python3 -m venv --system-site-packages .venv']);
    assert.deepEqual(needOf(own, 'python3')?.packages, ['python3']);
    assert.deepEqual(commandsOf(declared('')), ['true']);
  });

  test('a start that says python finds one, where there is nothing to install', () => {
    const outcome = outcomeOf({
      Procfile: 'web: python server.py',
      'server.py': 'HTTPServer',
      'runtime.txt': 'python-3.11',
    });
    assert.deepEqual(commandsOf(outcome), [
      '"$(command -v python3.11 || command -v python3)" -m venv --clear --without-pip .venv',
    ]);
  });

  test('migrations belong to a web service that says nothing of its start, and an empty text leaves them out', () => {
    const tree = { ...django, 'requirements.txt': 'django\ngunicorn' };
    const preDeploy = (fields: string) =>
      outcomeOf({ ...tree, 'kapal.yaml': `services: [{name: api, runtime: python, ${fields}}]` }).service.commands
        .preDeploy;
    assert.equal(preDeploy('type: web'), migrate);
    assert.equal(preDeploy('type: web, preDeployCommand: ""'), null);
    assert.equal(preDeploy('type: web, startCommand: gunicorn shop.wsgi'), null);
    assert.equal(preDeploy('type: worker'), null);
  });

  test('a package.json beside it makes its pages', () => {
    const outcome = outcomeOf({
      ...django,
      'requirements.txt': 'django\ngunicorn\nwhitenoise',
      'package.json': '{"scripts":{"build":"vite build"},"devDependencies":{"vite":"7"}}',
      'package-lock.json': '{}',
    });
    assert.deepEqual(commandsOf(outcome), [
      ...pip('-r requirements.txt'),
      'npm ci --include=dev',
      'npm run build',
      collect(),
    ]);
  });

  test('settings of tools in a pyproject.toml make no Python of a Node project', () => {
    const { service } = outcomeOf({
      'pyproject.toml': '[tool.ruff]\nline-length = 100\n',
      'package.json': '{"scripts":{"start":"node ."}}',
    });
    assert.equal(service.runtime, 'node');
  });
});
