-- For wrk: asks for the paths in a file, one after the other. Its name is the one argument.
local paths = {}
local asked = 0

function init(arguments)
  for path in io.lines(arguments[1]) do
    paths[#paths + 1] = path
  end
end

function request()
  asked = asked + 1
  return wrk.format("GET", paths[(asked - 1) % #paths + 1])
end
