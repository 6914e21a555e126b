import type { CorpusProject } from './shape.ts';

const jdk = (said: string) => `javac ${said} (default-jdk-headless)`;
const java = 'java -XX:MaxRAMPercentage=50 $JAVA_OPTS';
const mvn = (wrapper: string, words = 'package') =>
  `${wrapper} -B -Dmaven.repo.local="$MAVEN_USER_HOME/repository" -DskipTests ${words}`;
const gradle = (task: string, program = 'sh ./gradlew') => `${program} --no-daemon --console=plain ${task}`;
const anyJar = (folder: string) =>
  `"$(find ${folder} -maxdepth 1 -name '*.jar' ! -name 'original-*' ! -name '*-sources.jar' ! -name '*-javadoc.jar' ! -name '*-tests.jar' ! -name '*-plain.jar' | sort | head -n 1)"`;

/** Answers with its name and the path, on PORT, by the JDK's own server. */
export const javaServer = (
  name: string,
  inside = '',
): string => `${inside === '' ? '' : `package ${inside};\n\n`}import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class Main {
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            byte[] body = ("${name} at " + exchange.getRequestURI()).getBytes("UTF-8");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
`;

const pom = (inside: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<project xmlns="http://maven.apache.org/POM/4.0.0">\n<modelVersion>4.0.0</modelVersion>\n${inside}\n</project>\n`;
const plugin = (artifact: string, more = '') => `<plugin><artifactId>${artifact}</artifactId>${more}</plugin>`;
const built = (...plugins: readonly string[]) => `<build><plugins>${plugins.join('')}</plugins></build>`;
const boot = (version: string) =>
  `<parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>${version}</version><relativePath/></parent>`;
const mavenWrapper = {
  mvnw: '#!/bin/sh\n# Maven Start Up Batch script\n',
  '.mvn/wrapper/maven-wrapper.properties':
    'distributionUrl=https://repo.maven.apache.org/maven2/org/apache/maven/apache-maven/3.9.6/apache-maven-3.9.6-bin.zip\n',
};
const gradleWrapper = (version: string) => ({
  gradlew: '#!/bin/sh\n',
  'gradle/wrapper/gradle-wrapper.jar': 'PK',
  'gradle/wrapper/gradle-wrapper.properties': `distributionUrl=https\\://services.gradle.org/distributions/gradle-${version}-bin.zip\n`,
});

const maven: readonly CorpusProject[] = [
  {
    name: 'java-spring-boot',
    files: {
      'pom.xml': pom(
        `${boot('3.2.1')}<groupId>com.example</groupId><artifactId>demo</artifactId><version>0.0.1-SNAPSHOT</version>
        <properties><java.version>17</java.version></properties>
        <dependencies><dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency></dependencies>
        ${built(plugin('spring-boot-maven-plugin'))}`,
      ),
      ...mavenWrapper,
      'src/main/java/com/example/demo/DemoApplication.java': 'package com.example.demo;\n',
    },
    expect: [
      {
        runtime: 'java',
        build: [mvn('sh ./mvnw')],
        start: `${java} -Dserver.port=\${PORT:-8080} -jar target/demo-0.0.1-SNAPSHOT.jar`,
        needs: [jdk('17 or later (java.version of pom.xml)')],
      },
    ],
  },
  {
    name: 'java-spring-boot-of-2018',
    files: {
      'pom.xml': pom(
        `${boot('2.0.4.RELEASE')}<artifactId>lama</artifactId><version>1.0</version><packaging>war</packaging>
        <properties><java.version>1.8</java.version></properties>
        <build><finalName>lama</finalName><plugins>${plugin('spring-boot-maven-plugin')}</plugins></build>`,
      ),
      mvnw: '#!/bin/sh\n',
    },
    expect: [
      {
        runtime: 'java',
        build: [mvn('mvn')],
        start: `${java} -Dserver.port=\${PORT:-8080} -jar target/lama.war`,
        needs: [jdk('8 or later (java.version of pom.xml)'), 'mvn (maven)'],
      },
    ],
  },
  {
    name: 'java-quarkus',
    files: {
      'pom.xml': pom(
        `<groupId>org.acme</groupId><artifactId>getting-started</artifactId><version>1.0.0-SNAPSHOT</version>
        <properties><maven.compiler.release>17</maven.compiler.release><quarkus.platform.version>3.6.4</quarkus.platform.version></properties>
        ${built('<plugin><groupId>${quarkus.platform.group-id}</groupId><artifactId>quarkus-maven-plugin</artifactId></plugin>')}`,
      ),
      ...mavenWrapper,
    },
    expect: [
      {
        runtime: 'java',
        build: [mvn('sh ./mvnw')],
        start: `${java} -Dquarkus.http.port=\${PORT:-8080} -jar target/quarkus-app/quarkus-run.jar`,
        needs: [jdk('17 or later (maven.compiler.release of pom.xml)')],
      },
    ],
  },
  {
    name: 'java-maven-modules',
    files: {
      'pom.xml': pom(
        `<groupId>id.toko</groupId><artifactId>toko</artifactId><version>\${revision}</version><packaging>pom</packaging>
        <modules><module>core</module><module>web</module></modules>
        <properties><revision>2.1</revision><maven.compiler.release>17</maven.compiler.release></properties>`,
      ),
      'core/pom.xml': pom(
        '<parent><groupId>id.toko</groupId><artifactId>toko</artifactId><version>${revision}</version></parent><artifactId>core</artifactId>',
      ),
      'web/pom.xml': pom(
        `<parent><groupId>id.toko</groupId><artifactId>toko</artifactId><version>\${revision}</version></parent><artifactId>web</artifactId>${built(plugin('spring-boot-maven-plugin'))}`,
      ),
      ...mavenWrapper,
    },
    expect: [
      {
        runtime: 'java',
        build: [mvn('sh ./mvnw', '-pl web -am package')],
        start: `${java} -Dserver.port=\${PORT:-8080} -jar ${anyJar('web/target')}`,
        needs: [jdk('17 or later (maven.compiler.release of pom.xml)')],
      },
    ],
  },
  {
    name: 'java-shaded',
    files: {
      'pom.xml': pom(
        `<groupId>id.layanan</groupId><artifactId>layanan</artifactId><version>1.2</version>
        <properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target></properties>
        <dependencies><dependency><groupId>io.javalin</groupId><artifactId>javalin</artifactId><version>5.6.3</version></dependency></dependencies>
        ${built(plugin('maven-shade-plugin', '<executions><execution><configuration><transformers><transformer><mainClass>id.layanan.App</mainClass></transformer></transformers></configuration></execution></executions>'))}`,
      ),
    },
    expect: [
      {
        runtime: 'java',
        build: [mvn('mvn')],
        start: `${java} -jar target/layanan-1.2.jar`,
        needs: [jdk('11 or later (maven.compiler.target of pom.xml)'), 'mvn (maven)'],
      },
    ],
  },
  {
    name: 'java-plain-maven',
    files: {
      'pom.xml': pom(
        `<groupId>id.polos</groupId><artifactId>polos</artifactId><version>1</version>
        <properties><maven.compiler.release>17</maven.compiler.release></properties>
        <dependencies>
          <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>2.10</version></dependency>
          <dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>5.10.0</version><scope>test</scope></dependency>
        </dependencies>`,
      ),
      'src/main/java/id/polos/Main.java': javaServer('polos', 'id.polos'),
      'src/main/java/id/polos/Words.java': 'package id.polos;\nclass Words {}\n',
    },
    expect: [
      {
        runtime: 'java',
        build: [mvn('mvn', 'package dependency:copy-dependencies -DincludeScope=runtime')],
        start: `${java} -cp 'target/classes:target/dependency/*' id.polos.Main`,
        needs: [jdk('17 or later (maven.compiler.release of pom.xml)'), 'mvn (maven)'],
      },
    ],
  },
  {
    name: 'java-war-for-tomcat',
    files: { 'pom.xml': pom('<artifactId>tua</artifactId><version>1</version><packaging>war</packaging>') },
    expect: { code: 'nothing_to_deploy', words: [/pom\.xml was found, but it makes a war for an application server/] },
  },
  {
    name: 'java-damaged-pom',
    files: { 'pom.xml': '<project><artifactId>rusak</artifactId>' },
    expect: { code: 'declaration_invalid', words: [/^pom\.xml:1:1: is no project of Maven/] },
  },
];

const others: readonly CorpusProject[] = [
  {
    name: 'java-gradle-spring-boot',
    files: {
      'settings.gradle': "rootProject.name = 'pesan'\n",
      'build.gradle':
        "plugins {\n  id 'java'\n  id 'org.springframework.boot' version '3.2.1'\n}\njava {\n  sourceCompatibility = '17'\n}\n",
      ...gradleWrapper('8.5'),
    },
    expect: [
      {
        runtime: 'java',
        build: [gradle('bootJar')],
        start: `${java} -Dserver.port=\${PORT:-8080} -jar ${anyJar('build/libs')}`,
        needs: [
          jdk(
            '17 to 21 (sourceCompatibility of its Gradle build and Gradle 8.5 of gradle/wrapper/gradle-wrapper.properties)',
          ),
        ],
      },
    ],
  },
  {
    name: 'java-gradle-init',
    files: {
      'settings.gradle.kts': 'rootProject.name = "antar"\ninclude("app")\n',
      'app/build.gradle.kts':
        'plugins {\n    // Apply the application plugin.\n    application\n}\njava {\n    toolchain {\n        languageVersion = JavaLanguageVersion.of(21)\n    }\n}\napplication {\n    mainClass = "org.example.App"\n}\n',
      ...gradleWrapper('8.10'),
    },
    expect: [
      {
        runtime: 'java',
        build: [gradle(':app:installDist')],
        start: 'JAVA_OPTS="-XX:MaxRAMPercentage=50 $JAVA_OPTS" app/build/install/app/bin/app',
        needs: [jdk('21 (the toolchain of its Gradle build)')],
      },
    ],
  },
  {
    name: 'java-gradle-without-wrapper-jar',
    files: {
      'build.gradle':
        "apply plugin: 'java'\napply plugin: 'application'\nmainClassName = 'Main'\nsourceCompatibility = 1.8\n",
      gradlew: '#!/usr/bin/env bash\n',
      'gradle/wrapper/gradle-wrapper.properties':
        'distributionUrl=https\\://services.gradle.org/distributions/gradle-4.10.2-all.zip\n',
    },
    expect: [
      {
        runtime: 'java',
        build: [gradle('installDist', 'gradle')],
        start: `JAVA_OPTS="-XX:MaxRAMPercentage=50 $JAVA_OPTS" "$(find build/install -path '*/bin/*' ! -name '*.bat' | head -n 1)"`,
        needs: [
          jdk(
            '8 to 10 (sourceCompatibility of its Gradle build and Gradle 4.10 of gradle/wrapper/gradle-wrapper.properties)',
          ),
          'gradle (gradle)',
        ],
      },
    ],
  },
  {
    name: 'java-android',
    files: {
      'settings.gradle': "include ':app'\n",
      'build.gradle': "plugins {\n  id 'com.android.application' version '8.1.0' apply false\n}\n",
      'app/build.gradle': "plugins {\n  id 'com.android.application'\n}\n",
    },
    expect: { code: 'nothing_to_deploy', words: [/makes an application for Android/] },
  },
  {
    name: 'java-one-file',
    files: { 'Main.java': javaServer('satu') },
    expect: [
      {
        runtime: 'java',
        build: ["find . -maxdepth 1 -name '*.java' -exec javac -encoding UTF-8 -d classes {} +"],
        start: `${java} -cp classes Main`,
        needs: [jdk('8 or later')],
      },
    ],
    visits: { 'java-one-file': { path: '/a', sees: /^satu at \/a$/ } },
  },
  {
    name: 'java-sources',
    files: {
      'src/Main.java': javaServer('dua').replace('"dua at "', 'Words.hello() + " at "'),
      'src/Words.java': 'class Words {\n    static String hello() { return "dua berkas"; }\n}\n',
      'system.properties': 'java.runtime.version=17\n',
    },
    expect: [
      {
        runtime: 'java',
        build: ["find src -name '*.java' -exec javac -encoding UTF-8 -d classes {} +"],
        start: `${java} -cp classes Main`,
        needs: [jdk('17 or later (java.runtime.version of system.properties)')],
      },
    ],
    visits: { 'java-sources': { path: '/b', sees: /^dua berkas at \/b$/ } },
  },
  {
    name: 'java-ready-jar',
    files: { 'app.jar': 'PK', 'README.md': '' },
    expect: [{ runtime: 'java', start: `${java} -jar app.jar`, needs: ['java 8 or later (default-jre-headless)'] }],
  },
];

export const javaProjects: readonly CorpusProject[] = [...maven, ...others];
