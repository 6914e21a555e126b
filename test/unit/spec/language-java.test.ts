import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusalOf, type Tree } from './source.ts';
import { commandsOf, needOf, outcomeOf } from './recipe-of.ts';

const java = 'java -XX:MaxRAMPercentage=50 $JAVA_OPTS';
const spring = `${java} -Dserver.port=\${PORT:-8080}`;
const mvn = (words = 'package') => `mvn -B -Dmaven.repo.local="$MAVEN_USER_HOME/repository" -DskipTests ${words}`;
const gradle = (task: string) => `sh ./gradlew --no-daemon --console=plain ${task}`;
const anyJar = (folder: string) =>
  `"$(find ${folder} -maxdepth 1 -name '*.jar' ! -name 'original-*' ! -name '*-sources.jar' ! -name '*-javadoc.jar' ! -name '*-tests.jar' ! -name '*-plain.jar' | sort | head -n 1)"`;
const javac = (place: string, more = '') => `find ${place} ${more}-exec javac -encoding UTF-8 -d classes {} +`;

const pom = (inside: string) => `<?xml version="1.0"?>\n<project xmlns="x">\n${inside}\n</project>\n`;
const named = '<groupId>g</groupId><artifactId>shop</artifactId><version>1.0</version>';
const plugin = (artifact: string, more = '') => `<plugin><artifactId>${artifact}</artifactId>${more}</plugin>`;
const build = (plugins: string, more = '') => `<build>${more}<plugins>${plugins}</plugins></build>`;
const boot = build(plugin('spring-boot-maven-plugin'));
const main = (name: string, inside = '') =>
  `${inside === '' ? '' : `package ${inside};\n`}class ${name} { public static void main(String[] args) {} }\n`;
const wrapper: Tree = {
  gradlew: '#!/bin/sh\n',
  'gradle/wrapper/gradle-wrapper.jar': '',
  'gradle/wrapper/gradle-wrapper.properties': 'distributionUrl=https\\://x/gradle-8.5-bin.zip\n',
};

interface Case {
  readonly name: string;
  readonly tree: Tree;
  readonly start: string;
  readonly build: readonly string[];
}

const maven: readonly Case[] = [
  {
    name: 'Spring Boot, whose version is that of its parent',
    tree: {
      'pom.xml': pom(
        `<parent><artifactId>p</artifactId><version>3.1</version></parent><artifactId>shop</artifactId>${boot}`,
      ),
    },
    start: `${spring} -jar target/shop-3.1.jar`,
    build: [mvn()],
  },
  {
    name: 'a final name of properties, and a classifier',
    tree: {
      'pom.xml': pom(
        `${named}<properties><tag>web</tag></properties>${build(plugin('spring-boot-maven-plugin', '<configuration><classifier>exec</classifier></configuration>'), '<finalName>${project.artifactId}-${tag}</finalName>')}`,
      ),
    },
    start: `${spring} -jar target/shop-web-exec.jar`,
    build: [mvn()],
  },
  {
    name: 'a version that stands elsewhere: the only jar',
    tree: { 'pom.xml': pom(`<artifactId>shop</artifactId><version>\${revision}</version>${boot}`) },
    start: `${spring} -jar ${anyJar('target')}`,
    build: [mvn()],
  },
  {
    name: 'plugins in comments, profiles and management do not count',
    tree: {
      'pom.xml': pom(
        `${named}<!-- ${boot} --><profiles><profile>${boot}</profile></profiles><build><pluginManagement><plugins>${plugin('spring-boot-maven-plugin')}</plugins></pluginManagement></build>`,
      ),
      'src/main/java/App.java': main('App'),
    },
    start: `${java} -cp target/classes App`,
    build: [mvn()],
  },
  {
    name: 'Quarkus of before 1.12',
    tree: {
      'pom.xml': pom(
        `${named}<properties><quarkus.platform.version>1.11.7.Final</quarkus.platform.version></properties>${build(plugin('quarkus-maven-plugin'))}`,
      ),
    },
    start: `${java} -Dquarkus.http.port=\${PORT:-8080} -jar "$(find target -maxdepth 1 -name '*-runner.jar' | head -n 1)"`,
    build: [mvn()],
  },
  {
    name: 'Micronaut',
    tree: { 'pom.xml': pom(`${named}${build(plugin('micronaut-maven-plugin'))}`) },
    start: `${java} -Dmicronaut.server.port=\${PORT:-8080} -jar target/shop-1.0.jar`,
    build: [mvn()],
  },
  {
    name: 'an assembly with all dependencies',
    tree: {
      'pom.xml': pom(
        `${named}${build(plugin('maven-assembly-plugin', '<configuration><archive><manifest><mainClass>a.B</mainClass></manifest></archive><descriptorRefs><descriptorRef>jar-with-dependencies</descriptorRef></descriptorRefs></configuration>'))}`,
      ),
    },
    start: `${java} -jar target/shop-1.0-jar-with-dependencies.jar`,
    build: [mvn()],
  },
  {
    name: 'a jar with a main class, and dependencies that are not in it',
    tree: {
      'pom.xml': pom(
        `${named}<dependencies><dependency><artifactId>gson</artifactId></dependency></dependencies>${build(plugin('maven-jar-plugin', '<configuration><archive><manifest><mainClass>a.B</mainClass></manifest></archive></configuration>'))}`,
      ),
    },
    start: `${java} -cp 'target/classes:target/dependency/*' a.B`,
    build: [mvn('package dependency:copy-dependencies -DincludeScope=runtime')],
  },
  {
    name: 'the module that can be started, in a folder of modules',
    tree: {
      'pom.xml': pom(
        `${named}<packaging>pom</packaging><modules><module>libs</module><module>apps/web</module></modules>`,
      ),
      'libs/pom.xml': pom(`${named}<packaging>pom</packaging><modules><module>one</module></modules>`),
      'libs/one/pom.xml': pom('<artifactId>one</artifactId><version>1</version>'),
      'apps/web/pom.xml': pom(`<artifactId>web</artifactId><version>2</version>${boot}`),
    },
    start: `${spring} -jar apps/web/target/web-2.jar`,
    build: [mvn('-pl apps/web -am package')],
  },
];

const others: readonly Case[] = [
  {
    name: 'Gradle with a version catalog',
    tree: {
      'build.gradle.kts': 'plugins {\n    alias(libs.plugins.spring.boot)\n    java\n}\n',
      'settings.gradle.kts': 'rootProject.name = "shop"\n',
      ...wrapper,
    },
    start: `${spring} -jar ${anyJar('build/libs')}`,
    build: [gradle('bootJar')],
  },
  {
    name: 'Gradle with a plugin that the root only names for its parts',
    tree: {
      'settings.gradle': "rootProject.name='shop'\ninclude 'core', 'web' // parts\n",
      'build.gradle': "plugins {\n  id 'org.springframework.boot' version '3.2.0' apply false\n}\n",
      'core/build.gradle': "plugins {\n  id 'java-library'\n}\n",
      'web/build.gradle': "plugins {\n  id 'org.springframework.boot'\n}\n",
      ...wrapper,
    },
    start: `${spring} -jar ${anyJar('web/build/libs')}`,
    build: [gradle(':web:bootJar')],
  },
  {
    name: 'Gradle with the plugin application and a name of its own',
    tree: {
      'build.gradle':
        "plugins {\n  id 'application'\n}\napplication {\n  applicationName = 'served'\n  mainClass = 'A'\n}\n",
      ...wrapper,
    },
    start: 'JAVA_OPTS="-XX:MaxRAMPercentage=50 $JAVA_OPTS" build/install/served/bin/served',
    build: [gradle('installDist')],
  },
  {
    name: 'Gradle with shadow alone',
    tree: { 'build.gradle': "plugins {\n  id 'java'\n  id 'com.gradleup.shadow' version '8.3.0'\n}\n", ...wrapper },
    start: `${java} -jar ${anyJar('build/libs')}`,
    build: [gradle('shadowJar')],
  },
  {
    name: 'Quarkus by Gradle',
    tree: { 'build.gradle': "plugins {\n  id 'io.quarkus'\n}\n", ...wrapper },
    start: `${java} -Dquarkus.http.port=\${PORT:-8080} -jar build/quarkus-app/quarkus-run.jar`,
    build: [gradle('quarkusBuild')],
  },
  {
    name: 'one file',
    tree: { 'Main.java': main('Main') },
    start: `${java} -cp classes Main`,
    build: [javac('.', "-maxdepth 1 -name '*.java' ")],
  },
  {
    name: 'sources in packages, with jars in lib',
    tree: { 'src/App.java': main('App', 'a.b'), 'src/a/Words.java': 'package a;', 'lib/gson.jar': '' },
    start: `${java} -cp 'classes:lib/*' a.b.App`,
    build: [`find src -name '*.java' -exec javac -encoding UTF-8 -cp 'lib/*' -d classes {} +`],
  },
  { name: 'a jar that lies there', tree: { 'shop-1.0.jar': '' }, start: `${java} -jar shop-1.0.jar`, build: [] },
];

describe('Java', () => {
  for (const { name, tree, start, build: commands } of [...maven, ...others]) {
    test(name, () => {
      const outcome = outcomeOf(tree);
      assert.equal(outcome.service.runtime, 'java');
      assert.equal(outcome.service.commands.start, start);
      assert.deepEqual(commandsOf(outcome), commands);
    });
  }

  test('a wrapper needs no Maven or Gradle of the machine, and one that is not whole does', () => {
    const of = (tree: Tree) => {
      const outcome = outcomeOf(tree);
      return [commandsOf(outcome)[0]?.split(' -')[0], needOf(outcome, 'mvn')?.packages, needOf(outcome, 'gradle')?.why];
    };
    const whole = { 'pom.xml': pom(`${named}${boot}`), '.mvn/wrapper/maven-wrapper.properties': '' };
    assert.deepEqual(of({ ...whole, mvnw: '#!/bin/sh\n' }), ['sh ./mvnw', undefined, undefined]);
    assert.deepEqual(of({ 'pom.xml': pom(`${named}${boot}`), mvnw: '#!/bin/sh\n' }), ['mvn', ['maven'], undefined]);
    const application = { 'build.gradle': "apply plugin: 'application'\n" };
    assert.equal(of({ ...application, ...wrapper, gradlew: '#!/usr/bin/env bash\n' })[0], 'bash ./gradlew');
    const [command, , why] = of({ ...application, gradlew: '#!/bin/sh\n' });
    assert.equal(command, 'gradle');
    assert.match(String(why), /its gradlew lacks gradle\/wrapper\/gradle-wrapper\.jar/);
  });

  test('a declared build that does without Maven does not need it', () => {
    const text = 'services:\n  - {type: web, name: a, buildCommand: ./make.sh, startCommand: java -jar a.jar}\n';
    const outcome = outcomeOf({ 'kapal.yaml': text, 'pom.xml': pom(`${named}${boot}`) });
    assert.deepEqual([commandsOf(outcome), needOf(outcome, 'mvn')], [['./make.sh'], undefined]);
    assert.equal(needOf(outcome, 'javac')?.home, 'JAVA_HOME');
  });
});

test('names in a pom.xml reach no shell but as one word', () => {
  const of = (text: string, more: Tree = {}) => outcomeOf({ 'pom.xml': pom(text), ...more }).service.commands.start;
  assert.equal(
    of(`<artifactId>$(id)</artifactId><version>1</version>${boot}`),
    `${spring} -jar './target/$(id)-1.jar'`,
  );
  const modules = `${named}<packaging>pom</packaging><modules><module>a;id</module><module>b</module></modules>`;
  const part = pom(`<artifactId>b</artifactId><version>1</version>${boot}`);
  assert.equal(of(modules, { 'a;id/pom.xml': part, 'b/pom.xml': part }), `${spring} -jar b/target/b-1.jar`);
});

test('a jar or a source beside a page, or beside a package.json, is a part of something else', () => {
  assert.equal(outcomeOf({ 'index.html': '', 'applet.jar': '' }).service.type, 'static');
  const site = '{"scripts":{"build":"vite build"},"devDependencies":{"vite":"5"}}';
  assert.equal(outcomeOf({ 'package.json': site, 'Main.java': '', 'main.go': 'package main' }).service.type, 'static');
});

describe('the Java that a project asks for', () => {
  const asked = (tree: Tree) => {
    const outcome = outcomeOf(tree);
    const version = (needOf(outcome, 'javac') ?? needOf(outcome, 'java'))?.version;
    return [version?.range, version?.said];
  };
  const properties = (text: string) => pom(`${named}<properties>${text}</properties>${boot}`);
  const application = (text: string) => ({ 'build.gradle': `apply plugin: 'application'\n${text}\n` });
  const cases: readonly (readonly [tree: Tree, range: string, said: string])[] = [
    [{ 'Main.java': main('Main') }, '>=1.8.0', '8 or later'],
    [{ 'pom.xml': properties('<java.version>21</java.version>') }, '>=21', '21 or later (java.version of pom.xml)'],
    [
      { 'pom.xml': properties('<jdk>1.8</jdk><maven.compiler.target>${jdk}</maven.compiler.target>') },
      '>=1.8.0',
      '8 or later (maven.compiler.target of pom.xml)',
    ],
    [
      {
        'pom.xml': pom(
          `${named}${build(`${plugin('spring-boot-maven-plugin')}${plugin('maven-compiler-plugin', '<configuration><source>11</source></configuration>')}`)}`,
        ),
      },
      '>=11',
      '11 or later (source of maven-compiler-plugin in pom.xml)',
    ],
    [
      {
        'pom.xml': pom(
          `<parent><artifactId>spring-boot-starter-parent</artifactId><version>3.3.0</version></parent><artifactId>a</artifactId>${boot}`,
        ),
      },
      '>=17',
      '17 or later (Spring Boot 3.3.0 of pom.xml)',
    ],
    [
      application('sourceCompatibility = JavaVersion.VERSION_11'),
      '>=11',
      '11 or later (sourceCompatibility of its Gradle build)',
    ],
    [application("sourceCompatibility = '1.8'"), '>=1.8.0', '8 or later (sourceCompatibility of its Gradle build)'],
    [application('kotlin { jvmToolchain(17) }'), '17', '17 (the toolchain of its Gradle build)'],
    [
      { ...application(''), ...wrapper },
      '>=1.8.0 <22',
      '8 to 21 (Gradle 8.5 of gradle/wrapper/gradle-wrapper.properties)',
    ],
    [
      {
        ...application(''),
        ...wrapper,
        'gradle/wrapper/gradle-wrapper.properties': 'distributionUrl=https\\://x/gradle-6.9.4-all.zip\n',
      },
      '>=1.8.0 <16',
      '8 to 15 (Gradle 6.9 of gradle/wrapper/gradle-wrapper.properties)',
    ],
    [
      { 'Main.java': main('Main'), 'system.properties': 'java.runtime.version=17.0.2\n' },
      '>=17',
      '17 or later (java.runtime.version of system.properties)',
    ],
  ];
  for (const [tree, range, said] of cases)
    test(`${said}: ${range}`, () => assert.deepEqual(asked(tree), [range, said]));
});

describe('Java that is refused', () => {
  const refused: readonly (readonly [name: string, tree: Tree, code: string, message: RegExp])[] = [
    [
      'a war for a server',
      { 'pom.xml': pom(`${named}<packaging>war</packaging>`) },
      'nothing_to_deploy',
      /makes a war/,
    ],
    [
      'several modules',
      {
        'pom.xml': pom(`${named}<packaging>pom</packaging><modules><module>a</module><module>b</module></modules>`),
        'a/pom.xml': pom(`<artifactId>a</artifactId>${boot}`),
        'b/pom.xml': pom(`<artifactId>b</artifactId>${boot}`),
      },
      'nothing_to_deploy',
      /several modules that can be started: a, b$/,
    ],
    [
      'a library',
      { 'pom.xml': pom(named), 'src/main/java/a/B.java': 'package a;\nclass B {}\n' },
      'nothing_to_deploy',
      /does not say what to start/,
    ],
    [
      'several projects of Gradle',
      {
        'settings.gradle': "include('a', 'b')\n",
        'a/build.gradle': "plugins { id 'application' }\n",
        'b/build.gradle': "plugins { id 'application' }\n",
      },
      'nothing_to_deploy',
      /several projects that can be started: a, b$/,
    ],
    [
      'a library of Gradle',
      { 'build.gradle': "plugins { id 'java-library' }\n" },
      'nothing_to_deploy',
      /none of the plugins/,
    ],
    ['two jars', { 'a.jar': '', 'b.jar': '' }, 'nothing_to_deploy', /does not lie there alone: a\.jar, b\.jar$/],
    [
      'files without a main',
      { 'A.java': 'class A {}\n' },
      'nothing_to_deploy',
      /^A\.java was found, but it does not say/,
    ],
    ['a pom.xml that is none', { 'pom.xml': '<a/>' }, 'declaration_invalid', /^pom\.xml:1:1: is no project of Maven/],
  ];
  for (const [name, tree, code, message] of refused) {
    test(name, () => {
      const error = refusalOf(tree);
      assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
    });
  }
});
