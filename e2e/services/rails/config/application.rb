module Hello
  class Application
    def self.root = File.expand_path("..", __dir__)
  end
end
