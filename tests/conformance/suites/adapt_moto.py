"""moto's tests in their server mode: mock_aws() gives clients of the local cloud, and a reset gives a fresh one."""
import made_roles
import moto.settings
import plugin
from moto.core import models
from moto.core.config import default_user_config


def pytest_configure():
    made_roles.register()
    cls = models.ServerModeMockAWS
    cls.reset = lambda self: plugin.clouds and plugin.clouds.renew()
    # mock_aws objects are made at import, clouds per test.
    cls._test_server_mode_endpoint = property(plugin.current_endpoint, lambda self, value: None)
    moto.settings.test_server_mode_endpoint = plugin.current_endpoint
    default_user_config["core"]["mock_credentials"] = False
