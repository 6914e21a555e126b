-- Files of a release (StaticPool): the same answers as src/edge/embedded/static.ts. Lua decides which file it is and how it is asked for; nginx
-- sends it, by sendfile(2) and with its own ranges.

local conditions = require("kapal.static.conditions")
local files = require("kapal.static.files")
local kinds = require("kapal.static.kinds")
local pages = require("kapal.pages")
local pathOf = require("kapal.path")
local rules = require("kapal.policy.rules")
local find, gsub, sub = string.find, string.gsub, string.sub

local _M = {}

-- The request's fields by lower-case name, several of one name as a list.
local function fieldsOf()
  local fields = ngx.req.get_headers(0)
  for name, value in pairs(fields) do
    if type(value) == "table" then fields[name] = table.concat(value, ", ") end
  end
  return fields
end

-- The compressed sibling that the client takes, else the file itself.
local function compressed(root, path, file, fields)
  local accepted = fields["accept-encoding"]
  if accepted then
    for _, form in ipairs(kinds.precompressed) do
      if kinds.accepts(accepted, form.coding) then
        local sibling = files.open(root, path .. form.extension)
        if type(sibling) == "table" then
          files.close(file)
          return { path = path, file = sibling, coding = form.coding, status = 200 }
        end
      end
    end
  end
  return { path = path, file = file, status = 200 }
end

local function choose(root, path, fields)
  local file = files.open(root, path)
  return type(file) == "table" and compressed(root, path, file, fields) or nil
end

-- A file that is there under this path: itself, or the index of a folder. The second value: the folder has to be asked for with a slash.
local function existing(root, path, fields)
  if sub(path, -1) == "/" then return choose(root, path .. "index.html", fields) end
  local file = files.open(root, path)
  if type(file) == "table" then return compressed(root, path, file, fields) end
  if file ~= "folder" then return nil end
  local index = files.open(root, path .. "/index.html")
  if type(index) ~= "table" then return nil end
  files.close(index)
  return nil, true
end

-- The fallback for what a person navigates to, else the site's own 404.html.
local function instead(root, pool, path, fields)
  if type(pool.fallback) == "string" and kinds.isNavigation(fields, path) then
    local fallback = choose(root, "/" .. pool.fallback, fields)
    if fallback then return fallback end
  end
  local page = choose(root, "/404.html", fields)
  if page then page.status = 404 end
  return page
end

local conditional = { "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range" }

local function headersOf(chosen)
  local header, file = ngx.header, chosen.file
  header["Server"] = nil
  header["Content-Type"] = kinds.contentType(chosen.path)
  header["X-Content-Type-Options"] = "nosniff"
  header["Vary"] = "Accept-Encoding"
  if chosen.coding then header["Content-Encoding"] = chosen.coding end
  if chosen.status == 404 then
    header["Cache-Control"] = "no-cache"
    return
  end
  header["Cache-Control"] = kinds.cacheControl(chosen.path)
  header["ETag"] = file.etag
  header["Last-Modified"] = ngx.http_time(file.modified)
end

-- An answer without a body.
local function bare(status, file)
  files.close(file)
  ngx.header["Server"] = nil
  if status ~= 304 then ngx.header["Content-Type"] = nil end
  ngx.status = status
  if status ~= 304 then ngx.header["Content-Length"] = 0 end
  ngx.send_headers()
  return ngx.exit(ngx.HTTP_OK)
end

-- nginx sends the file: the rest of the request is its own, by a name of the descriptor.
local function send(chosen, ctx, fields, part)
  for _, name in ipairs(conditional) do
    if fields[name] then ngx.req.clear_header(name) end
  end
  ctx.file = chosen.file
  ctx.fileStatus = chosen.status
  ngx.req.set_uri("/" .. chosen.file.fd, false)
  return ngx.exec(ctx.gzip and not chosen.coding and not part and "@file-gzip" or "@file")
end

local function answer(chosen, ctx, fields)
  local file = chosen.file
  if chosen.status == 404 then
    headersOf(chosen)
    if fields["range"] then ngx.req.clear_header("Range") end
    return send(chosen, ctx, fields)
  end
  local verdict = conditions.evaluate(fields, file)
  if verdict == "failed" then return bare(412, file) end
  if verdict == "not-modified" then
    headersOf(chosen)
    ngx.header["Accept-Ranges"] = "bytes"
    return bare(304, file)
  end
  local range = conditions.range(fields, file)
  if range == "unsatisfiable" then
    ngx.header["Content-Range"] = "bytes */" .. file.size
    return bare(416, file)
  end
  headersOf(chosen)
  -- Of a whole file nginx says itself that it has parts; not of a part.
  if range == "part" then
    ngx.header["Accept-Ranges"] = "bytes"
  elseif fields["range"] then
    ngx.req.clear_header("Range")
  end
  return send(chosen, ctx, fields, range == "part")
end

-- As it was sent, with one leading slash: `//host/` would lead to another site (RFC 3986 4.2).
local function slashForm(raw, query)
  return "/" .. gsub(raw, "^/+", "") .. "/" .. query
end

local function split(target)
  local mark = find(target, "?", 1, true)
  return mark and sub(target, 1, mark - 1) or target, mark and sub(target, mark) or ""
end

-- What the files have for a path that is sound: a file, the redirect to a folder, the fallback, a page. `target`: as it was asked for.
local function serveBelow(root, pool, ctx, at)
  local fields, path = at.fields, at.path
  local servable = kinds.isServable(path)
  local chosen, folder = at.chosen, at.folder
  if servable and not at.looked then
    chosen, folder = existing(root, path, fields)
  end
  if folder then
    local raw, query = split(at.target)
    return pages.redirect(301, slashForm(raw, query), { ["Cache-Control"] = "no-cache" })
  end
  chosen = chosen or (servable and instead(root, pool, path, fields)) or nil
  if not chosen then return pages.notFound() end
  return answer(chosen, ctx, fields)
end

-- A rule of the policy for a request that no file answers. The second value: it has answered.
local function led(ctx, reads)
  local made = ctx.policy and require("kapal.policy.chain").compiled(ctx.policy)
  local rule, target
  if made and made.rules then
    rule, target = rules.lead(made.rules)
  end
  if not rule then return nil, false end
  if rule.kind == "redirect" then return nil, pages.redirect(rule.status, target) or true end
  if not reads then return nil, pages.answer(405) or true end
  return target, false
end

-- Answers GET and HEAD from the files of the pool, in the access phase: folders by their index.html, then the policy's rules, unknown addresses
-- that a person navigates to by the pool's fallback, the rest by 404.html or a page. Hidden names and links out of the folder are not there.
function _M.serve(pool, ctx)
  local method = ngx.req.get_method()
  local reads = method == "GET" or method == "HEAD"
  ngx.req.discard_body()
  local sentTarget = ngx.var.request_uri
  local stripped = ctx.route and ctx.route.stripPath and rules.stripped(ctx.route.path) or sentTarget
  local path = pathOf.file((split(stripped)))
  if reads and not path then return pages.answer(400) end
  local fields, root = fieldsOf(), files.root(pool.root)
  local at = { fields = fields, path = path, target = sentTarget, looked = true }
  if reads and root and kinds.isServable(path) then
    at.chosen, at.folder = existing(root, path, fields)
  end
  if not at.chosen and not at.folder then
    local target, done = led(ctx, reads)
    if done then return end
    if target then
      path = pathOf.file((split(target)))
      if not path then return pages.answer(400) end
      at = { fields = fields, path = path, target = target }
    end
  end
  if not reads then return pages.answer(405) end
  if not root then return pages.notFound() end
  return serveBelow(root, pool, ctx, at)
end

-- In header_filter_by_lua of the locations that send files: nginx has the file open by now.
function _M.opened(ctx)
  if not ctx or not ctx.file then return end
  if ctx.fileStatus == 404 then
    ngx.status = 404
    ngx.header["Last-Modified"] = nil
  end
  files.close(ctx.file)
end

-- In log_by_lua, for a file that was never sent.
function _M.done(ctx)
  if ctx.file then files.close(ctx.file) end
end

return _M
