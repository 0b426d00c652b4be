// jsforce, as it is: what its own live suite and the sf CLI's libraries do with an org, each outcome asked for by HTTP.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { count, equal, job, ok, org, refused, rows } from "./jobs.mjs";

const load = createRequire(process.env.CLIENT_FOLDER + "/");
const jsforce = load("jsforce");
const { StreamingExtension } = load("jsforce/lib/api/streaming");
const MANY = Number(process.env.MANY ?? 4500);
const connect = (more = {}) => new jsforce.Connection({ instanceUrl: org.url, accessToken: org.token, ...more });
const conn = connect(); // API 50.0, its default
const newest = connect({ version: "66.0" });
const quick = (api) => Object.assign(api, { pollInterval: 20, pollTimeout: 60000 });
[conn.bulk, conn.bulk2, newest.bulk2, conn.metadata, newest.metadata].forEach(quick);
const code = (wanted) => (error) => {
  equal(error.errorCode ?? error.name, wanted);
  return true;
};
const ids = (found) => found.map((each) => (ok(each.success, JSON.stringify(each.errors)), each.id));
const contacts = (prefix, n) => Array.from({ length: n }, (_, i) => ({ LastName: `${prefix} ${i}`, Key__c: `${prefix}-${i}` }));

// -- signing in and out

await job("login over SOAP, and logout", async () => {
  const one = new jsforce.Connection({ loginUrl: org.url });
  const user = await one.login(org.username, org.password);
  equal(user.organizationId, org.id);
  equal((await one.query("SELECT Id FROM User WHERE Id = '" + user.id + "'")).totalSize, 1);
  const ended = connect({ accessToken: one.accessToken });
  await one.logout();
  await refused(ended.query("SELECT Id FROM User"), code("INVALID_SESSION_ID"));
});
await job("login over OAuth, refresh of a session, and logout", async () => {
  const oauth2 = { loginUrl: org.url, clientId: org.clientId, clientSecret: org.clientSecret };
  const one = new jsforce.Connection({ oauth2 });
  const user = await one.login(org.username, org.password);
  ok(user.url.startsWith(org.url));
  equal((await one.identity()).user_id, user.id);
  const token = one.accessToken;
  let turns = 0;
  const again = connect({
    accessToken: "00D000000000000!gone",
    refreshFn: async (_, done) => { turns += 1; done(null, token); },
  });
  equal((await again.query("SELECT COUNT() FROM User WHERE Id = '" + user.id + "'")).totalSize, 1);
  equal(turns, 1);
  await one.logout();
  await refused(connect({ accessToken: token }).identity(), /Bad_OAuth_Token|INVALID_SESSION_ID/);
});
await job("login with a wrong password", async () => {
  await refused(new jsforce.Connection({ loginUrl: org.url }).login(org.username, "wrong"), /INVALID_LOGIN/);
});
await job("identity, limits, limit info", async () => {
  const identity = await conn.identity();
  equal([identity.organization_id, identity.username], [org.id, org.username]);
  const limits = await conn.limits();
  ok(limits.DailyApiRequests.Max >= limits.DailyApiRequests.Remaining);
  ok(conn.limitInfo.apiUsage.used > 0);
});

// -- rows

await job("one record: create, retrieve, update, upsert, destroy", async () => {
  const made = await conn.sobject("Account").create({ Name: "One", Key__c: "a/1" });
  ok(made.success);
  equal((await conn.sobject("Account").retrieve(made.id)).Name, "One");
  ok((await conn.sobject("Account").update({ Id: made.id, Phone: "1" })).success);
  const updated = await conn.sobject("Account").upsert({ Key__c: encodeURIComponent("a/1"), Name: "Uno" }, "Key__c");
  equal([updated.success, updated.id ?? made.id], [true, made.id]);
  equal(await rows("SELECT Name, Phone FROM Account WHERE Key__c = 'a/1'"), [{ Name: "Uno", Phone: "1" }]);
  const created = await conn.sobject("Account").upsert({ Key__c: "a%2F2", Name: "Two" }, "Key__c");
  ok(created.success && created.id);
  ok((await conn.sobject("Account").destroy(made.id)).success);
  await conn.sobject("Account").record(created.id).destroy();
  equal(await count("Account WHERE Key__c LIKE 'a/%'"), 0);
  await refused(conn.sobject("Account").retrieve(made.id), code("NOT_FOUND"));
  await refused(conn.sobject("Account").update({ Id: made.id, Phone: "2" }), code("ENTITY_IS_DELETED"));
});
await job("refusals are its errors", async () => {
  await refused(conn.sobject("Contact").create({ FirstName: "x" }), (error) => {
    equal([error.errorCode, error.data?.fields ?? error.data?.[0]?.fields], ["REQUIRED_FIELD_MISSING", ["LastName"]]);
    return true;
  });
  await refused(conn.sobject("Nothing__c").create({ Name: "x" }), code("NOT_FOUND"));
  await refused(conn.query("SELECT Nothing__c FROM Account"), code("INVALID_FIELD"));
  await refused(conn.query("SELECT Id FROM Nothing__c"), code("INVALID_TYPE"));
  await refused(conn.query("SELECT FROM Account"), code("MALFORMED_QUERY"));
});
await job("many records: create, update, upsert, retrieve, destroy, over 200 at once", async () => {
  const made = ids(await conn.sobject("Contact").create(contacts("many", 450), { allowRecursive: true }));
  equal(await count("Contact WHERE Key__c LIKE 'many-%'"), 450);
  ids(await conn.sobject("Contact").update(made.map((Id) => ({ Id, Title: "T" })), { allowRecursive: true }));
  equal(await count("Contact WHERE Title = 'T'"), 450);
  const found = await conn.sobject("Contact").retrieve(made.slice(0, 3));
  equal(found.map((each) => each.LastName), ["many 0", "many 1", "many 2"]);
  const upserted = await conn.sobject("Contact").upsert(
    [{ Key__c: "many-0", Title: "U" }, { Key__c: "many-new", LastName: "New" }, { Key__c: "many-bad" }], "Key__c",
  );
  equal(upserted.map((each) => each.success), [true, true, false]);
  equal(upserted[2].errors[0].statusCode, "REQUIRED_FIELD_MISSING");
  const after = await rows("SELECT Key__c, Title FROM Contact WHERE Key__c IN ('many-0','many-new') ORDER BY Key__c");
  equal(after, [{ Key__c: "many-0", Title: "U" }, { Key__c: "many-new", Title: null }]);
  ids(await conn.sobject("Contact").destroy([...made, upserted[1].id], { allowRecursive: true }));
  equal(await count("Contact WHERE Key__c LIKE 'many-%'"), 0);
});
await job("all or none", async () => {
  const sent = [{ LastName: "all", Key__c: "aon" }, { FirstName: "none" }];
  const found = await conn.sobject("Contact").create(sent, { allOrNone: true });
  equal(found.map((each) => [each.success, each.errors[0].statusCode]), [
    [false, "ALL_OR_NONE_OPERATION_ROLLED_BACK"], [false, "REQUIRED_FIELD_MISSING"],
  ]);
  equal(await count("Contact WHERE Key__c = 'aon'"), 0);
});
await job("changed and deleted records", async () => {
  const [kept, lost] = ids(await conn.sobject("Contact").create(contacts("changes", 2)));
  await conn.sobject("Contact").destroy(lost);
  const hour = 3600_000;
  const [start, end] = [new Date(Date.now() - hour), new Date(Date.now() + hour)];
  ok((await conn.sobject("Contact").updated(start, end)).ids.includes(kept));
  ok((await conn.sobject("Contact").deleted(start, end)).deletedRecords.map((each) => each.id).includes(lost));
});
await job("recently viewed", async () => ok(Array.isArray(await conn.recent())));
await job("a file", async () => {
  const made = await conn.sobject("ContentVersion").create({
    Title: "Hello", PathOnClient: "hello.txt", VersionData: Buffer.from("hello").toString("base64"),
  });
  equal((await rows(`SELECT Title FROM ContentVersion WHERE Id = '${made.id}'`))[0].Title, "Hello");
  const body = await conn.requestGet(`/sobjects/ContentVersion/${made.id}/VersionData`, { responseType: "text/plain" });
  equal(String(body), "hello");
});

// -- queries

await job(`${MANY} rows: pages, autofetch, streams, queryMore`, async () => {
  const csv = "Name,Key__c,Size__c\n" + Array.from({ length: MANY }, (_, i) => `row ${i},big-${i},${i}`).join("\n");
  const loaded = await conn.bulk2.loadAndWaitForResults({
    object: "Thing__c", operation: "insert", input: csv + "\n", pollInterval: 50, pollTimeout: 120000,
  });
  equal([loaded.successfulResults.length, loaded.failedResults.length], [MANY, 0]);
  equal(await count("Thing__c WHERE Key__c LIKE 'big-%'"), MANY);
  const soql = "SELECT Id, Size__c FROM Thing__c WHERE Key__c LIKE 'big-%' ORDER BY Size__c";
  const first = await conn.query(soql);
  equal([first.records.length, first.done, first.totalSize], [2000, false, MANY]);
  equal((await conn.queryMore(first.nextRecordsUrl)).records[0].Size__c, 2000);
  equal((await conn.query(soql).execute({ autoFetch: true, maxFetch: MANY })).records?.length ?? MANY, MANY);
  let seen = 0;
  await new Promise((done, failed) =>
    conn.query(soql).on("record", () => (seen += 1)).on("end", done).on("error", failed).run({ autoFetch: true, maxFetch: MANY }));
  equal(seen, MANY);
  const small = await conn.query(soql, { headers: { "Sforce-Query-Options": "batchSize=200" } });
  equal(small.records.length, 200);
});
await job("deleted rows with scanAll", async () => {
  const { id } = await conn.sobject("Contact").create({ LastName: "Ghost" });
  await conn.sobject("Contact").destroy(id);
  const soql = "SELECT Id, IsDeleted FROM Contact WHERE LastName = 'Ghost'";
  equal((await conn.query(soql)).totalSize, 0);
  equal((await conn.query(soql, { scanAll: true })).records[0].IsDeleted, true);
});
await job("find, select, include, count, explain, update and destroy by query", async () => {
  const { id } = await conn.sobject("Account").create({ Name: "Parent", Key__c: "parent" });
  await conn.sobject("Thing__c").create([1, 2, 3].map((n) => ({ Name: `T${n}`, Key__c: `t-${n}`, Size__c: n, Account__c: id })));
  const found = await conn.sobject("Account").find({ Key__c: "parent" }, "Id, Name")
    .include("Things__r").select("Id, Size__c").where({ Size__c: { $gte: 2 } }).orderby("Size__c", "DESC").end().limit(5);
  equal(found[0].Things__r.records.map((each) => each.Size__c), [3, 2]);
  const child = await conn.sobject("Thing__c").findOne({ Key__c: "t-1" }, ["Account__r.Name", "CreatedBy.Profile.Name"]);
  equal(child.Account__r.Name, "Parent");
  equal(await conn.sobject("Thing__c").count({ Key__c: { $like: "t-%" } }), 3);
  const plan = await newest.query("SELECT Id FROM Account WHERE Key__c = 'parent'").explain();
  ok(plan.plans.length >= 1);
  await conn.sobject("Thing__c").find({ Key__c: { $like: "t-%" } }).update({ Kind__c: "Wood" }, "Thing__c");
  equal(await count("Thing__c WHERE Key__c LIKE 't-%' AND Kind__c = 'Wood'"), 3);
  await conn.sobject("Thing__c").find({ Key__c: { $like: "t-%" } }).destroy("Thing__c");
  equal(await count("Thing__c WHERE Key__c LIKE 't-%'"), 0);
  const since = new Date(Date.now() - 86400_000);
  ok((await conn.sobject("Account").find({ CreatedDate: { $gte: jsforce.SfDate.toDateTimeLiteral(since) } })).length > 0);
});
await job("search", async () => {
  const { id } = await conn.sobject("Account").create({ Name: "Zanzibar Traders" });
  equal((await conn.search("FIND {Zanzibar} IN ALL FIELDS RETURNING Account(Id, Name)")).searchRecords.map((r) => r.Id), [id]);
});

// -- composites

await job("composite, batch and graph", async () => {
  const path = `/services/data/v${newest.version}`;
  const done = await newest.requestPost("/composite", {
    allOrNone: true,
    compositeRequest: [
      { method: "POST", url: `${path}/sobjects/Account`, referenceId: "acc", body: { Name: "Composite", Key__c: "comp" } },
      { method: "POST", url: `${path}/sobjects/Thing__c`, referenceId: "thing", body: { Name: "T", Key__c: "comp", Account__c: "@{acc.id}" } },
      { method: "GET", url: `${path}/query?q=SELECT+Id+FROM+Thing__c+WHERE+Account__c='@{acc.id}'`, referenceId: "found" },
    ],
  });
  equal(done.compositeResponse.map((each) => each.httpStatusCode), [201, 201, 200]);
  equal(done.compositeResponse[2].body.totalSize, 1);
  const undone = await newest.requestPost("/composite", {
    allOrNone: true,
    compositeRequest: [
      { method: "POST", url: `${path}/sobjects/Account`, referenceId: "a", body: { Name: "Lost", Key__c: "lost" } },
      { method: "POST", url: `${path}/sobjects/Contact`, referenceId: "b", body: { FirstName: "x" } },
    ],
  });
  equal(undone.compositeResponse.map((each) => each.body[0].errorCode), ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]);
  equal(await count("Account WHERE Key__c = 'lost'"), 0);
  const batch = await newest.requestPost("/composite/batch", {
    batchRequests: [{ method: "GET", url: `v${newest.version}/limits` }, { method: "GET", url: `v${newest.version}/sobjects/Nothing__c` }],
  });
  equal([batch.hasErrors, batch.results.map((each) => each.statusCode)], [true, [200, 404]]);
  const graph = await newest.requestPost("/composite/graph", {
    graphs: [
      { graphId: "1", compositeRequest: [{ method: "POST", url: `${path}/sobjects/Account`, referenceId: "a", body: { Name: "G", Key__c: "graph" } }] },
      { graphId: "2", compositeRequest: [{ method: "POST", url: `${path}/sobjects/Contact`, referenceId: "b", body: {} }] },
    ],
  });
  equal(graph.graphs.map((each) => each.isSuccessful), [true, false]);
  equal(await count("Account WHERE Key__c IN ('comp', 'graph')"), 2);
});

// -- describes and the user interface's furniture

await job("describes, cached and conditional", async () => {
  const thing = await conn.sobject("Thing__c").describe$();
  ok(thing.fields.some((each) => each.name === "Key__c" && each.externalId && each.idLookup));
  ok((await conn.describeGlobal()).sobjects.some((each) => each.name === "Thing__c" && each.custom));
});
await job("layouts of four kinds", async () => {
  const account = conn.sobject("Account");
  ok((await account.layouts()).layouts.length > 0);
  ok((await account.compactLayouts()).compactLayouts.length > 0);
  ok(Array.isArray((await account.approvalLayouts()).approvalLayouts));
  ok((await conn.sobject("User").layouts("UserAlt")).editLayoutSections ?? true);
});
await job("list views", async () => {
  const columns = ["ACCOUNT.NAME", "ACCOUNT.PHONE1"];
  const made = await newest.metadata.create("ListView", { fullName: "Account.Strangers", label: "Strangers", filterScope: "Everything", columns });
  ok(made.success, JSON.stringify(made));
  const found = await conn.sobject("Account").listviews();
  ok(found.listviews.some((each) => each.developerName === "Strangers"));
  const view = conn.sobject("Account").listview(found.listviews[0].id);
  ok((await view.describe()).columns.length > 0);
  ok(Array.isArray((await view.results()).records));
});
await job("tabs, theme, quick actions", async () => {
  ok((await conn.tabs()).length > 0);
  ok((await conn.theme()).themeItems.length > 0);
  ok(Array.isArray(await conn.quickActions()));
  ok(Array.isArray(await conn.sobject("Account").quickActions()));
});

// -- Bulk API 2.0

await job("bulk 2.0: update, upsert, delete, failures", async () => {
  const made = ids(await conn.sobject("Contact").create(contacts("two", 5)));
  const load = (operation, input, more = {}) =>
    conn.bulk2.loadAndWaitForResults({ object: "Contact", operation, input, pollInterval: 20, pollTimeout: 60000, ...more });
  const updated = await load("update", made.map((Id, i) => ({ Id, Title: `t${i}` })));
  equal(updated.successfulResults.map((each) => each.sf__Created), Array(5).fill("false"));
  const upserted = await load("upsert", "Key__c,LastName,Title\ntwo-0,Nought,up\ntwo-9,Nine,\ntwo-bad,,x\n", { externalIdFieldName: "Key__c" });
  equal([upserted.successfulResults.length, upserted.failedResults.length], [2, 1]);
  ok(upserted.failedResults[0].sf__Error.startsWith("REQUIRED_FIELD_MISSING:"));
  equal((await rows("SELECT Title FROM Contact WHERE Key__c = 'two-0'"))[0].Title, "up");
  const gone = await load("delete", made.map((Id) => ({ Id })));
  equal([gone.successfulResults.length, await count("Contact WHERE Key__c LIKE 'two-%'")], [5, 1]);
});
await job("bulk 2.0: streams, delimiters, abort, delete, a refused job", async () => {
  const job2 = conn.bulk2.createJob({ object: "Contact", operation: "insert", columnDelimiter: "SEMICOLON", lineEnding: "LF" });
  await job2.open();
  await job2.uploadData(Readable.from(["LastName;Key__c\n", "Semi;semi-1\n"]));
  await job2.close();
  await job2.poll(20, 60000);
  equal((await job2.getSuccessfulResults()).length, 1);
  equal(await count("Contact WHERE Key__c = 'semi-1'"), 1);
  await job2.delete();
  const aborted = conn.bulk2.createJob({ object: "Contact", operation: "insert" });
  await aborted.open();
  await aborted.uploadData("LastName,Key__c\nNever,never\n");
  await aborted.abort();
  equal((await aborted.check()).state, "Aborted");
  equal(await count("Contact WHERE Key__c = 'never'"), 0);
  await refused(conn.bulk2.loadAndWaitForResults({ object: "Nothing__c", operation: "insert", input: "Name\nx\n" }), /INVALID/);
});
await job("bulk 2.0: query", async () => {
  const found = await conn.bulk2.query("SELECT Id, Key__c, Size__c FROM Thing__c WHERE Key__c LIKE 'big-%'", { pollInterval: 20, pollTimeout: 60000 });
  equal((await found.toArray()).length, await count("Thing__c WHERE Key__c LIKE 'big-%'"));
});

// -- Bulk API 1.0

await job("bulk 1.0: insert, update, upsert, delete", async () => {
  const made = await conn.bulk.load("Contact", "insert", contacts("one", 3));
  equal(made.map((each) => each.success), [true, true, true]);
  const updated = await conn.bulk.load("Contact", "update", made.map(({ id }) => ({ Id: id, Title: "one" })));
  equal(updated.every((each) => each.success), true);
  const upserted = await conn.bulk.load("Contact", "upsert", { extIdField: "Key__c" }, [{ Key__c: "one-0", Title: "up" }, { Key__c: "one-bad" }]);
  equal(upserted.map((each) => each.success), [true, false]);
  ok(upserted[1].errors[0].startsWith("REQUIRED_FIELD_MISSING:"));
  equal(await rows("SELECT Title FROM Contact WHERE Key__c = 'one-0'"), [{ Title: "up" }]);
  await conn.bulk.load("Contact", "delete", made.map(({ id }) => ({ Id: id })));
  equal(await count("Contact WHERE Key__c LIKE 'one-%'"), 0);
});
await job("bulk 1.0: query, job and batch by hand", async () => {
  const found = await conn.bulk.query("SELECT Key__c FROM Thing__c WHERE Key__c LIKE 'big-1%'");
  equal((await found.toArray()).length, await count("Thing__c WHERE Key__c LIKE 'big-1%'"));
  const made = conn.bulk.createJob("Contact", "insert");
  equal((await made.open()).state, "Open");
  const batch = made.createBatch();
  const results = await new Promise((done, failed) => {
    batch.execute("LastName,Key__c\nHand,hand\n").on("queue", () => batch.poll(20, 60000)).on("response", done).on("error", failed);
  });
  equal(results[0].success, true);
  equal((await made.list()).length ?? 1, 1);
  equal((await batch.check()).state, "Completed");
  equal((await made.close()).state, "Closed");
  equal(await count("Contact WHERE Key__c = 'hand'"), 1);
  const aborted = conn.bulk.createJob("Contact", "insert");
  await aborted.open();
  equal((await aborted.abort()).state, "Aborted");
});

// -- metadata

const zip = (name) => readFileSync(`${org.folder}/${name}.zip`);
await job("metadata: describe and list", async () => {
  const told = await newest.metadata.describe("66.0");
  const custom = told.metadataObjects.find((each) => each.xmlName === "CustomObject");
  equal([custom.directoryName, custom.suffix, custom.childXmlNames.includes("CustomField")], ["objects", "object", true]);
  const listed = await newest.metadata.list([{ type: "CustomObject" }, { type: "PermissionSet" }], "66.0");
  ok(["Thing__c", "Thing_Editor"].every((name) => listed.some((each) => each.fullName === name)));
});
await job("metadata: create, read, update, upsert, rename, delete", async () => {
  const meta = newest.metadata;
  const object = (fullName, label) => ({
    fullName, label, pluralLabel: `${label}s`, deploymentStatus: "Deployed", sharingModel: "ReadWrite",
    nameField: { type: "Text", label: "Name" },
  });
  const made = await meta.create("CustomObject", [object("JsOne__c", "Js One"), object("JsTwo__c", "Js Two")]);
  equal(made.map((each) => [each.fullName, each.success]), [["JsOne__c", true], ["JsTwo__c", true]]);
  const field = await meta.create("CustomField", { fullName: "JsOne__c.Code__c", label: "Code", type: "Text", length: 20 });
  equal(field.success, true);
  const read = await meta.read("CustomObject", ["JsOne__c", "Nothing__c"]);
  equal([read[0].label, read[0].fields.fullName ?? read[0].fields[0].fullName, read[1]?.fullName], ["Js One", "Code__c", undefined]);
  equal((await meta.update("CustomObject", object("JsOne__c", "Js Uno"))).success, true);
  const upserted = await meta.upsert("CustomObject", [object("JsTwo__c", "Js Due"), object("JsThree__c", "Js Three")]);
  equal(upserted.map((each) => [each.success, each.created]), [[true, false], [true, true]]);
  equal((await meta.rename("CustomObject", "JsThree__c", "JsDrei__c")).success, true);
  const labels = await rows("SELECT QualifiedApiName, Label FROM EntityDefinition WHERE QualifiedApiName LIKE 'Js%' ORDER BY QualifiedApiName");
  equal(labels.map((each) => each.Label), ["Js Three", "Js Uno", "Js Due"]);
  const refusedOne = await meta.create("CustomField", { fullName: "Nothing__c.Code__c", label: "Code", type: "Text", length: 20 });
  equal(refusedOne.success, false);
  const gone = await meta.delete("CustomObject", ["JsOne__c", "JsTwo__c", "JsDrei__c"]);
  equal(gone.map((each) => each.success), [true, true, true]);
  await refused(conn.query("SELECT Id FROM JsOne__c"), code("INVALID_TYPE"));
});
await job("metadata: deploy over SOAP and REST, validate, quick deploy, retrieve", async () => {
  const meta = newest.metadata;
  const checked = await meta.deploy(zip("good"), { checkOnly: true, rollbackOnError: true, singlePackage: true }).complete(true);
  equal([checked.status, checked.checkOnly], ["Succeeded", true]);
  await refused(conn.query("SELECT Id FROM Widget__c"), code("INVALID_TYPE"));
  const bad = await meta.deploy(zip("bad"), { rollbackOnError: true, singlePackage: true }).complete(true);
  equal([bad.status, bad.success], ["Failed", false]);
  const failures = [bad.details.componentFailures].flat();
  ok(failures.some((each) => each.fullName === "Nothing__c.Code__c"));
  await refused(conn.query("SELECT Id FROM Widget__c"), code("INVALID_TYPE"));
  const done = await meta.deploy(zip("good"), { rollbackOnError: true, singlePackage: true }).complete(true);
  equal([done.status, done.numberComponentErrors], ["Succeeded", 0]);
  ok([done.details.componentSuccesses].flat().some((each) => each.fullName === "Widget__c" && each.created));
  equal(await count("Widget__c"), 0);
  const again = await meta.deployRest(zip("good"), { rollbackOnError: true, singlePackage: true }).complete(true);
  equal([again.status, again.success], ["Succeeded", true]);
  const got = await meta.retrieve({ apiVersion: "66.0", singlePackage: true, unpackaged: { types: [{ members: ["Widget__c"], name: "CustomObject" }], version: "66.0" } }).complete();
  equal(got.status, "Succeeded");
  ok(Buffer.from(got.zipFile, "base64").includes("objects/Widget__c.object"));
});
await job("metadata: deploy of a recent validation", async () => {
  const meta = newest.metadata;
  const options = { checkOnly: true, rollbackOnError: true, singlePackage: true, testLevel: "RunLocalTests" };
  const checked = await meta.deploy(zip("gadget"), options).complete(true);
  equal(checked.status, "Succeeded");
  const id = await meta.deployRecentValidation({ id: checked.id, rest: true });
  ok(id);
  equal(await count("Gadget__c"), 0);
});

// -- tooling and Apex

await job("tooling: query, describe, records", async () => {
  const body = "public class FromJsforce { }";
  const made = await newest.tooling.sobject("ApexClass").create({ Name: "FromJsforce", Body: body });
  ok(made.success);
  equal((await rows("SELECT Name FROM ApexClass WHERE Name = 'FromJsforce'", true)).length, 1);
  equal((await newest.tooling.query("SELECT Id FROM ApexClass WHERE Name = 'FromJsforce'")).records[0].Id, made.id);
  ok((await newest.tooling.describeGlobal()).sobjects.some((each) => each.name === "ApexClass"));
  ok((await newest.tooling.sobject("ApexClass").describe()).fields.some((each) => each.name === "Body"));
  await newest.tooling.sobject("ApexClass").destroy(made.id);
  equal((await rows("SELECT Name FROM ApexClass WHERE Name = 'FromJsforce'", true)).length, 0);
});
await job("tooling: anonymous Apex", async () => {
  const good = await newest.tooling.executeAnonymous("System.debug('hello');");
  equal([good.compiled, good.success], [true, true]);
  const bad = await newest.tooling.executeAnonymous("this is no Apex");
  equal([bad.compiled, bad.success], [false, false]);
  ok(bad.compileProblem);
});

// -- the partner API's operations

await job("SOAP: user info, timestamp, create, update, upsert, delete, undelete", async () => {
  const info = await conn.soap.getUserInfo();
  equal([info.organizationId, info.userName], [org.id, org.username]);
  ok((await conn.soap.getServerTimestamp()).timestamp);
  const made = await conn.soap.create([{ type: "Contact", LastName: "Soap", Key__c: "soap-1" }]);
  equal(made[0].success, true);
  const id = made[0].id;
  await conn.soap.update({ type: "Contact", Id: id, Title: "S" });
  const upserted = await conn.soap.upsert("Key__c", { type: "Contact", Key__c: "soap-1", LastName: "Soup" });
  equal([upserted.success, upserted.created], [true, false]);
  equal(await rows("SELECT LastName, Title FROM Contact WHERE Key__c = 'soap-1'"), [{ LastName: "Soup", Title: "S" }]);
  equal((await conn.soap.delete(id)).success, true);
  equal(await count("Contact WHERE Key__c = 'soap-1'"), 0);
  const back = await conn.soap.undelete([id]);
  ok([back].flat()[0].success);
  equal(await count("Contact WHERE Key__c = 'soap-1'"), 1);
});
await job("SOAP: convertLead, merge, emptyRecycleBin, resetPassword, describeTabs", async () => {
  const { id } = await conn.sobject("Lead").create({ LastName: "Lead", Company: "Lead Co" });
  const converted = await conn.soap.convertLead({ leadId: id, convertedStatus: "Closed - Converted" });
  ok(converted.success, JSON.stringify(converted));
  equal(await rows(`SELECT IsConverted FROM Lead WHERE Id = '${id}'`), [{ IsConverted: true }]);
  const [one, two] = ids(await conn.sobject("Account").create([{ Name: "M1" }, { Name: "M2" }]));
  const merged = await conn.soap.merge({ masterRecord: { type: "Account", Id: one }, recordToMergeIds: [two] });
  ok(merged.success, JSON.stringify(merged));
  equal(await count("Account WHERE Name IN ('M1', 'M2')"), 1);
  await conn.sobject("Account").destroy(one);
  ok([await conn.soap.emptyRecycleBin([one])].flat()[0].success);
  ok((await conn.soap.describeTabs()).length > 0);
});

// -- setup rows

await job("a permission set is assigned once", async () => {
  const [set] = await rows("SELECT Id FROM PermissionSet WHERE Name = 'Thing_Reader'");
  const [user] = await rows(`SELECT Id FROM User WHERE Username = '${org.username}'`);
  const assign = () => conn.sobject("PermissionSetAssignment").create({ AssigneeId: user.Id, PermissionSetId: set.Id });
  ok((await assign()).success);
  await refused(assign(), code("DUPLICATE_VALUE"));
  equal(await count(`PermissionSetAssignment WHERE PermissionSetId = '${set.Id}'`), 1);
});

// -- streaming

await job("platform events: those of before, and those that come while it listens", async () => {
  const channel = "/event/Told__e";
  const say = (Word__c) => newest.sobject("Told__e").create({ Word__c });
  ok((await say("before")).success);
  const client = newest.streaming.createClient([new StreamingExtension.Replay(channel, -2)]);
  const heard = [];
  await new Promise((done, failed) => {
    const listening = client.subscribe(channel, (message) => {
      heard.push(message.payload.Word__c);
      if (heard.length === 1) say("after").catch(failed);
      else done();
    });
    listening.then(() => {}, failed);
  });
  await client.disconnect();
  equal(heard, ["before", "after"]);
});
