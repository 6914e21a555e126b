import type { CorpusProject } from './shape.ts';

const guard = 'command -v "${CC:-gcc}" >/dev/null || export CGO_ENABLED=0; ';
const go = (said: string) => `go ${said} (golang-go)`;

/** Answers with its name and the path, on PORT, by the standard library alone. */
export const goServer = (name: string): string => `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "${name} at %s", r.URL.Path)
	})
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
`;

export const goProjects: readonly CorpusProject[] = [
  {
    name: 'go-at-the-top',
    files: { 'go.mod': 'module github.com/ada/warung\n\ngo 1.19\n', 'main.go': goServer('warung') },
    expect: [
      {
        runtime: 'go',
        build: [`${guard}go build -trimpath -o ./bin/warung .`],
        start: './bin/warung',
        needs: [go('1.19 or later (the go line of go.mod)')],
      },
    ],
  },
  {
    name: 'go-cmd-like-module',
    files: {
      'go.mod':
        'module github.com/ada/kasir/v2\n\ngo 1.21.0\n\ntoolchain go1.21.5\n\nrequire github.com/gin-gonic/gin v1.9.1\n',
      'go.sum': '',
      'cmd/kasir/main.go': 'package main\n',
      'cmd/migrate/main.go': 'package main\n',
      'internal/server/server.go': 'package server\n',
    },
    expect: [
      {
        runtime: 'go',
        build: [`${guard}go build -trimpath -o ./bin/kasir ./cmd/kasir`],
        start: './bin/kasir',
        needs: [go('1.21.0 or later (the go line of go.mod)')],
      },
    ],
  },
  {
    name: 'go-cmd-server-beside-tools',
    files: {
      'go.mod': 'module example.com/platform\n\ngo 1.18\n\nrequire github.com/mattn/go-sqlite3 v1.14.17\n',
      'cmd/server/main.go': 'package main\n',
      'cmd/seed/main.go': 'package main\n',
    },
    expect: [
      {
        runtime: 'go',
        build: ['go build -trimpath -o ./bin/server ./cmd/server'],
        start: './bin/server',
        needs: [go('1.18 or later (the go line of go.mod)'), 'gcc (gcc libc6-dev)'],
      },
    ],
  },
  {
    name: 'go-several-programs',
    files: {
      'go.mod': 'module example.com/platform\n',
      'cmd/ingest/main.go': 'package main\n',
      'cmd/report/main.go': 'package main\n',
    },
    expect: {
      code: 'nothing_to_deploy',
      words: [
        /go\.mod was found, but it has several programs/,
        /\.\/cmd\/ingest, \.\/cmd\/report/,
        /startCommand: \.\/bin\/ingest/,
      ],
    },
  },
  {
    name: 'go-vendored',
    files: {
      'go.mod': 'module example.com/lama\n\ngo 1.13\n\nrequire github.com/julienschmidt/httprouter v1.3.0\n',
      'go.sum': '',
      'main.go': 'package main\n',
      'vendor/modules.txt': '# github.com/julienschmidt/httprouter v1.3.0\n',
      'vendor/github.com/julienschmidt/httprouter/router.go': 'package httprouter\n',
    },
    expect: [
      {
        runtime: 'go',
        build: [`${guard}go build -trimpath -mod=vendor -o ./bin/lama .`],
        start: './bin/lama',
        needs: [go('1.13 or later (the go line of go.mod)')],
      },
    ],
  },
  {
    name: 'go-workspace',
    files: {
      'go.work': 'go 1.19\n\nuse (\n\t./api\n\t./shared // types\n)\n',
      'api/go.mod': 'module example.com/toko/api\n\ngo 1.19\n',
      'api/main.go': goServer('toko')
        .replace('"fmt"', '"example.com/toko/shared"\n\t"fmt"')
        .replace('"toko at', '"" + shared.Name + " at'),
      'shared/go.mod': 'module example.com/toko/shared\n\ngo 1.18\n',
      'shared/name.go': 'package shared\n\nconst Name = "toko"\n',
    },
    expect: [
      {
        runtime: 'go',
        build: [`${guard}go build -trimpath -o ./bin/api ./api`],
        start: './bin/api',
        needs: [go('1.19 or later (the go line of go.work)')],
      },
    ],
    visits: { 'go-workspace': { path: '/x', sees: /^toko at \/x$/ } },
  },
  {
    name: 'go-procfile',
    files: {
      Procfile: '# two programs of one module\nweb: bin/web -verbose\nworker: bin/worker\nrelease: bin/web -migrate\n',
      'go.mod': 'module example.com/antrian\n\ngo 1.17\n',
      'cmd/web/main.go': 'package main\n',
      'cmd/worker/main.go': 'package main\n',
    },
    expect: [
      {
        runtime: 'go',
        build: [`${guard}go build -trimpath -o ./bin/web ./cmd/web`],
        preDeploy: 'bin/web -migrate',
        start: 'bin/web -verbose',
        needs: [go('1.17 or later (the go line of go.mod)')],
      },
      {
        name: 'worker',
        type: 'worker',
        runtime: 'go',
        build: [`${guard}go build -trimpath -o ./bin/worker ./cmd/worker`],
        start: 'bin/worker',
        needs: [go('1.17 or later (the go line of go.mod)')],
      },
    ],
  },
  {
    name: 'go-render-blueprint',
    files: {
      'render.yaml': 'services:\n  - type: web\n    name: hooks\n    runtime: go\n    startCommand: ./app\n',
      'go.mod': 'module example.com/hooks\n\ngo 1.16\n',
      'main.go': 'package main\n',
    },
    expect: [
      {
        name: 'hooks',
        runtime: 'go',
        build: [`${guard}go build -trimpath -o ./app .`],
        start: './app',
        needs: [go('1.16 or later (the go line of go.mod)')],
      },
    ],
  },
  {
    name: 'go-without-module',
    files: { 'main.go': goServer('pelajaran'), 'README.md': '# Lesson one' },
    expect: [
      {
        runtime: 'go',
        build: [`${guard}GO111MODULE=off go build -trimpath -o ./bin/app .`],
        start: './bin/app',
        needs: [go('1.11 or later')],
      },
    ],
  },
  {
    name: 'go-of-before-modules',
    files: {
      'Gopkg.toml': '[[constraint]]\n',
      'main.go': 'package main\n\nimport (\n\t"net/http"\n\n\t"github.com/gorilla/mux"\n)\n',
    },
    expect: { code: 'nothing_to_deploy', words: [/it imports github\.com\/gorilla\/mux/, /go mod init/] },
  },
  {
    name: 'go-with-pages',
    files: {
      'go.mod': 'module example.com/papan\n\ngo 1.19\n',
      'main.go': 'package main\n',
      'package.json': '{"scripts":{"build":"vite build"},"devDependencies":{"vite":"5"}}',
      'package-lock.json': '{}',
    },
    expect: [
      {
        runtime: 'go',
        install: ['npm ci --include=dev'],
        build: ['npm run build', `${guard}go build -trimpath -o ./bin/papan .`],
        start: './bin/papan',
        needs: [go('1.19 or later (the go line of go.mod)')],
      },
    ],
  },
];
