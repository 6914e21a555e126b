-- The edge's own answers: the same pages as src/edge/embedded/pages.ts (test/conformance/edge-pages.ts holds the two together). They name no
-- program and no version.

local cjson = require("cjson.safe")
local lower, find, format, gsub = string.lower, string.find, string.format, string.gsub

local _M = {}

local messages = {
  [400] = {
    "Bad request",
    "This request could not be understood.",
    "Permintaan ini tidak dapat dipahami.",
  },
  [401] = {
    "Please sign in",
    "This address is open to those who have a name and a password for it.",
    "Alamat ini hanya untuk yang memiliki nama pengguna dan kata sandi.",
  },
  [403] = {
    "Not allowed",
    "This address is not open to where you come from.",
    "Alamat ini tidak dapat dibuka dari tempat Anda.",
  },
  [404] = {
    "Not found",
    "There is nothing at this address. Check it for a typing mistake.",
    "Tidak ada apa pun di alamat ini. Periksa kembali penulisannya.",
  },
  [405] = {
    "Method not allowed",
    "This address can be read, and nothing else.",
    "Alamat ini hanya dapat dibaca.",
  },
  [408] = {
    "Request timeout",
    "The request took too long to arrive. Please try again.",
    "Permintaan terlalu lama tiba. Silakan coba lagi.",
  },
  [413] = {
    "Too large",
    "What was sent is larger than this site accepts.",
    "Data yang dikirim lebih besar daripada batas situs ini.",
  },
  [414] = {
    "Address too long",
    "This address is longer than this site accepts.",
    "Alamat ini lebih panjang daripada batas situs ini.",
  },
  [421] = {
    "Wrong connection",
    "This connection was made for another address. Opening the page again helps.",
    "Sambungan ini dibuat untuk alamat lain. Silakan buka kembali halamannya.",
  },
  [429] = {
    "Too many requests",
    "There were too many requests at once. Please try again in a moment.",
    "Terlalu banyak permintaan sekaligus. Silakan coba lagi sebentar lagi.",
  },
  [431] = {
    "Request too large",
    "The request carries more than this site accepts. Deleting the cookies of this site may help.",
    "Permintaan ini melebihi batas situs ini. Menghapus kuki situs ini dapat membantu.",
  },
  [500] = {
    "Something went wrong",
    "The site could not answer this request.",
    "Situs ini tidak dapat menjawab permintaan ini.",
  },
  [502] = {
    "No answer from the site",
    "The site is there but did not answer properly. Please try again in a moment.",
    "Situs ini tidak menjawab dengan benar. Silakan coba lagi sebentar lagi.",
  },
  [503] = {
    "Not available right now",
    "The site is starting, or busy. Please try again in a moment.",
    "Situs ini sedang dimulai atau sibuk. Silakan coba lagi sebentar lagi.",
  },
  [504] = {
    "The site took too long",
    "The site did not answer in time. Please try again in a moment.",
    "Situs ini tidak menjawab tepat waktu. Silakan coba lagi sebentar lagi.",
  },
}

local maintenance = {
  "We will be back soon",
  "This site is being worked on. Please come back a little later.",
  "Situs ini sedang dalam perawatan. Silakan kembali beberapa saat lagi.",
}

local html = [[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>%s</title>
<style>
:root { color-scheme: light dark }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.6 system-ui, sans-serif; background: Canvas; color: CanvasText }
main { max-width: 34rem; padding: 2rem }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 .75rem }
p { margin: 0 0 .5rem }
small { display: block; margin-top: 1.5rem; opacity: .75; overflow-wrap: anywhere }
</style>
</head>
<body>
<main>
<h1>%s</h1>
<p>%s</p>
<p lang="id">%s</p>
<small>%d%s</small>
</main>
</body>
</html>
]]

-- Names JSON and not HTML: a browser's Accept names both kinds of text or everything.
local function prefersJson(accept)
  if not accept then return false end
  accept = lower(accept)
  return ngx.re.find(accept, [[\bapplication/(?:[\w.+-]*\+)?json\b]], "jo") ~= nil and not find(accept, "text/html", 1, true)
end

local function escapeHtml(text)
  return (gsub(text, "[&<>\"']", function(character) return "&#" .. character:byte() .. ";" end))
end

-- Content type and body. `accept`: the field or nil; `id`: of the request, empty for none; `page`: "maintenance" instead of the status's own.
function _M.render(status, accept, id, page)
  local message = page and maintenance or messages[status] or messages[status < 500 and 400 or 500]
  if prefersJson(accept) then
    local body = format(
      '{"error":{"status":%d,"message":%s,"requestId":%s}}\n',
      status,
      cjson.encode(message[2]),
      cjson.encode(id)
    )
    return "application/json; charset=utf-8", body
  end
  local mark = id == "" and "" or " &middot; " .. escapeHtml(id)
  return "text/html; charset=utf-8", format(html, message[1], message[1], message[2], message[3], status, mark)
end

local function accepted()
  local field = ngx.req.get_headers(0)["accept"]
  return type(field) == "table" and table.concat(field, ", ") or field
end

-- Neither nginx's name nor its default type.
function _M.bare()
  ngx.header["Server"] = nil
  ngx.header["Content-Type"] = nil
end

-- In place of what was no HTTP: nginx sends the bytes as they are.
local function sendWhole(status, id)
  local method = require("kapal.request").current().method
  local kind, body = _M.render(status, accepted(), id)
  local fields = { "Date", ngx.http_time(ngx.time()), "Content-Type", kind, "Content-Length", #body }
  local head = require("kapal.framing").head(status, "Bad Gateway", fields, id)
  if not head then return false end
  ngx.status = status
  local asksForHead = method == "HEAD"
  -- Of an answer to HEAD nginx sends nothing that is printed, and here the head is.
  if asksForHead then ngx.req.set_method(ngx.HTTP_GET) end
  ngx.print(head, asksForHead and "" or body)
  ngx.eof()
  if asksForHead then ngx.req.set_method(ngx.HTTP_HEAD) end
  return true
end

local function send(status, fields, page)
  local id = ngx.var.kapal_request_id or ""
  local kind, body = _M.render(status, accepted(), id, page)
  local header = ngx.header
  ngx.status = status
  header["Server"] = nil
  header["Content-Type"] = kind
  header["Cache-Control"] = "no-store"
  header["Content-Length"] = #body
  if status == 405 then header["Allow"] = "GET, HEAD" end
  if fields then
    for name, value in pairs(fields) do header[name] = value end
  end
  ngx.print(body)
end

-- Answers a request by a page in the access or content phase, and ends it. `fields`: more of them, by name; nil for none. What a client still
-- sends is read and dropped, never taken for another request; after a 400 nothing that it sends is believed.
function _M.answer(status, fields, page)
  ngx.req.discard_body()
  if status == 400 then ngx.header["Connection"] = "close" end
  send(status, fields, page)
  return ngx.exit(ngx.HTTP_OK)
end

-- What is not among the files of a site: a page without an id, so that it is the same each time.
function _M.notFound()
  local kind, body = _M.render(404, accepted(), "")
  ngx.status = 404
  ngx.header["Server"] = nil
  ngx.header["Content-Type"] = kind
  ngx.header["Cache-Control"] = "no-cache"
  ngx.header["Content-Length"] = #body
  ngx.print(body)
  return ngx.exit(ngx.HTTP_OK)
end

-- An empty answer that leads elsewhere.
function _M.redirect(status, location, fields)
  ngx.req.discard_body()
  _M.bare()
  ngx.status = status
  ngx.header["Location"] = location
  ngx.header["Content-Length"] = 0
  if fields then
    for name, value in pairs(fields) do ngx.header[name] = value end
  end
  ngx.send_headers()
  return ngx.exit(ngx.HTTP_OK)
end

-- What error_page leads to: answers that nginx itself has decided on.
function _M.serve()
  local known, request = pcall(require, "kapal.request")
  local ctx = known and request.current()
  if ctx and ctx.again then return require("kapal.route").again(ctx) end
  local status = ctx and ctx.status or tonumber(ngx.var.status) or ngx.status
  if status == 494 then status = 431 end
  if status > 494 and status < 498 then status = 400 end
  if ctx and status == 502 and require("kapal.framing").is_malformed() then
    if sendWhole(status, ngx.var.kapal_request_id) then return end
  end
  send(status, ctx and ctx.fields)
end

return _M
