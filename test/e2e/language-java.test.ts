import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';

const server = (
  greeting: string,
  inside = '',
) => `${inside === '' ? '' : `package ${inside};\n\n`}import com.sun.net.httpserver.HttpServer;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;

public class Main {
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            String settings = String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments());
            byte[] body = ("${greeting}: " + settings).getBytes("UTF-8");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
`;

/** Debian's packages of Maven's plugins lie in a repository of files: nothing is fetched. */
const debian: Readonly<Record<string, string>> = {
  '.mvn/maven.config': '-s\n.mvn/settings.xml\n',
  '.mvn/settings.xml':
    '<settings><mirrors><mirror><id>debian</id><mirrorOf>*</mirrorOf><url>file:///usr/share/maven-repo</url></mirror></mirrors></settings>\n',
};

const pom = (release: string) => `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>id.warung</groupId>
  <artifactId>warung</artifactId>
  <version>1.0</version>
  <properties>
    <maven.compiler.release>${release}</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <build>
    <plugins>
      <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.10.1</version></plugin>
      <plugin>
        <artifactId>maven-jar-plugin</artifactId>
        <configuration><archive><manifest><mainClass>id.warung.Main</mainClass></manifest></archive></configuration>
      </plugin>
    </plugins>
  </build>
</project>
`;

describe('a program in Java', () => {
  test('is built by Maven and started from its jar, with the settings that the user gives last', async () => {
    await using kapal = await TestKapal.start();
    const deploy = async (files: Readonly<Record<string, string>>) => kapal.project('warung', { ...debian, ...files });
    const source = 'src/main/java/id/warung/Main.java';
    await kapal.run('env', 'set', '--project', 'warung', 'warung', 'JAVA_OPTS=-Xss2m');
    await kapal.deploy(await deploy({ 'pom.xml': pom('17'), [source]: server('satu', 'id.warung') }));
    assert.match((await kapal.visit('warung.localhost')).body, /^satu: .*-XX:MaxRAMPercentage=50(?:\.\d+)? .*-Xss2m/);

    const wrong = { 'pom.xml': pom('17'), [source]: server('dua', 'id.warung').replace('int port', 'String port') };
    const [failed] = (await kapal.deployFailing(await deploy(wrong))).services;
    assert.equal(failed?.error?.code, 'build_failed');
    assert.match(failed.error.log?.join('\n') ?? '', /Main\.java:\[9,\d+\] incompatible types/);

    const [refused] = (
      await kapal.deployFailing(await deploy({ 'pom.xml': pom('99'), [source]: server('tiga', 'id.warung') }))
    ).services;
    assert.equal(refused?.error?.code, 'toolchain_missing');
    assert.match(
      refused.error.message,
      /^javac 99 or later \(maven\.compiler\.release of pom\.xml\) is asked for, and this machine has javac \d+/,
    );
    assert.match((await kapal.visit('warung.localhost')).body, /^satu: /);
  });

  test('is built by the Gradle of the machine where the project brings none, and started by its script', async () => {
    await using kapal = await TestKapal.start();
    const folder = await kapal.project('kereta', {
      'settings.gradle': "include 'app'\n",
      'build.gradle': '',
      'app/build.gradle':
        "apply plugin: 'java'\napply plugin: 'application'\nmainClassName = 'Main'\nsourceCompatibility = 1.8\n",
      'app/src/main/java/Main.java': server('kereta'),
    });
    await kapal.deploy(folder);
    assert.match((await kapal.visit('kereta.localhost')).body, /^kereta: .*-XX:MaxRAMPercentage=50/);
  });

  test('without a build file is compiled and started by its class', async () => {
    await using kapal = await TestKapal.start();
    const folder = await kapal.project('polos', {
      'src/Main.java': server('polos'),
      'src/lain/Words.java': 'package lain;\n\npublic class Words {}\n',
    });
    await kapal.deploy(folder);
    assert.match((await kapal.visit('polos.localhost')).body, /^polos: /);
  });
});
